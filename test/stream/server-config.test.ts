import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { NodeRow, Subscription } from '../../src/model/node.ts';
import { makeSeed, publicKeyOf } from '../../src/stream/nkey.ts';
import { openNodeKeys } from '../../src/stream/node-keys.ts';
import { peersConfig, writePeers, writeServerConfig } from '../../src/stream/server-config.ts';
import { TemporaryDirectory } from '../store/test-store.ts';

const [cloudKey = '', edgeKey = '', otherKey = ''] = [1, 2, 3].map(() =>
  publicKeyOf(Buffer.from(makeSeed())),
);
const self = { name: 'cloud', nkey: cloudKey };
const dog: Subscription = { database: 'dev', table: 'dog', publish: true, subscribe: false, version: 1 };

function peer(name: string, changes: Partial<NodeRow> = {}): NodeRow {
  return { name, nkey: edgeKey, addedVersion: 1, subscriptions: [], ...changes };
}

test('a peer may call its own services and pull from the channels that are published to it', () => {
  const cat = { ...dog, table: 'Kä.tze' };

  expect(
    peersConfig([peer('edge', { subscriptions: [dog, cat] }), peer('b.c', { nkey: otherKey })], self),
  ).toBe(
    [
      'users: [',
      `  { nkey: ${edgeKey}, permissions: { publish: { allow: ["svc.edge.>","$JS.API.CONSUMER.MSG.NEXT.dev:dog.edge","$JS.API.CONSUMER.MSG.NEXT.dev:K=C3=A4=2Etze.edge"] }, subscribe: { allow: ["_INBOX_edge.>"] } } }`,
      `  { nkey: ${otherKey}, permissions: { publish: { allow: ["svc.b=2Ec.>"] }, subscribe: { allow: ["_INBOX_b=2Ec.>"] } } }`,
      ']',
      '',
    ].join('\n'),
  );
});

test('what is only subscribed, or stopped, gives no right to pull', () => {
  const subscriptions: Subscription[] = [
    { ...dog, publish: false, subscribe: true },
    { ...dog, table: 'cat', stopped: 'dropped here' },
  ];

  expect(peersConfig([peer('edge', { subscriptions })], self)).not.toContain('$JS');
});

test('a peer that has not joined, or was removed, is no user', () => {
  const { nkey: _nkey, ...unknown } = peer('new');

  expect(peersConfig([unknown, peer('gone', { removedVersion: 2 })], self)).toBe('users: [\n]\n');
});

test('a key is one user: of several peers with it the one that was added first, and none with our own', () => {
  const peers = [
    peer('twin', { nkey: edgeKey, addedVersion: 2 }),
    peer('edge'),
    peer('gone', { nkey: edgeKey, addedVersion: 0, removedVersion: 3 }),
    peer('us', { nkey: self.nkey }),
  ];

  expect(peersConfig(peers, self)).toBe(peersConfig([peer('edge')], self));
});

test('what is no key is left out: with it nats-server would take no other change either', () => {
  const damaged = `${otherKey.slice(0, -1)}${otherKey.endsWith('A') ? 'B' : 'A'}`;
  const peers = ['U', 'UOTHER', damaged, otherKey.toLowerCase()].map((nkey, index) =>
    peer(`peer-${index}`, { nkey }),
  );

  expect(peersConfig([...peers, peer('edge')], self)).toBe(peersConfig([peer('edge')], self));
});

test('no name of a node or table breaks out of its place in the file', () => {
  const name = 'a" ] } } #\n${X}';
  const config = peersConfig(
    [peer(name, { nkey: otherKey, subscriptions: [{ ...dog, table: name, database: '>' }] })],
    self,
  );

  const lines = config.split('\n');
  expect(lines).toHaveLength(4);
  expect(
    lines[1]?.replaceAll(/"(svc\.|\$JS\.API\.CONSUMER\.MSG\.NEXT\.|_INBOX_)[A-Za-z0-9_=:.-]+>?"/g, '""'),
  ).toBe(`  { nkey: ${otherKey}, permissions: { publish: { allow: ["",""] }, subscribe: { allow: [""] } } }`);
});

test('the configuration is written with the values of the node, readable by its user only, and keeps the peers', async () => {
  await using directory = await TemporaryDirectory.make();
  const keys = await openNodeKeys(join(directory.path, 'keys'), 'edge');
  const template = join(directory.path, 'template.conf');
  writeFileSync(template, 'include node-values.conf\n');
  const target = join(directory.path, 'nats');
  const options = {
    directory: target,
    template,
    nodeName: 'Edge 1',
    host: '0.0.0.0',
    port: 9932,
    keys,
    maxFileBytes: 1_000,
  };

  const file = writeServerConfig(options);
  writePeers(target, peersConfig([peer('edge')], self));
  writeServerConfig(options);

  expect(readFileSync(file, 'utf8')).toBe('include node-values.conf\n');
  const values = readFileSync(join(target, 'node-values.conf'), 'utf8');
  expect(values.split('\n')).toEqual([
    'LYRE_SERVER_NAME: "Edge=201"',
    'LYRE_HOST: "0.0.0.0"',
    'LYRE_PORT: 9932',
    `LYRE_PID_FILE: "${join(target, 'nats.pid')}"`,
    `LYRE_STORE_DIR: "${join(target, 'store')}"`,
    'LYRE_MAX_FILE: 1000',
    `LYRE_CERTIFICATE: "${keys.certificateFile}"`,
    `LYRE_PRIVATE_KEY: "${keys.privateKeyFile}"`,
    `LYRE_NODE_KEY: "${keys.publicKey}"`,
    `LYRE_SYSTEM_KEY: "${keys.systemPublicKey}"`,
    '',
  ]);
  expect(readFileSync(join(target, 'peers.conf'), 'utf8')).toContain(edgeKey);
  for (const name of ['node-values.conf', 'peers.conf'])
    expect(statSync(join(target, name)).mode & 0o777).toBe(0o600);
  expect(values).not.toContain(Buffer.from(keys.seed).toString());
  expect(existsSync(`${join(target, 'peers.conf')}.${process.pid}`)).toBe(false);
});
