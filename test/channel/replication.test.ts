import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Proofs } from '../../src/channel/agreement.ts';
import { PeerSession } from '../../src/channel/peer-session.ts';
import { Replication } from '../../src/channel/replication.ts';
import { claimPort } from '../../src/process/held-port.ts';
import { makeSeed, publicKeyOf } from '../../src/stream/nkey.ts';
import { openNodeKeys } from '../../src/stream/node-keys.ts';
import { TestStore } from '../store/test-store.ts';

/** The replication of a node whose nats-server does not run. */
class Alone implements AsyncDisposable {
  readonly node: TestStore;
  readonly replication: Replication;
  readonly peersFile: string;

  private constructor(node: TestStore, replication: Replication, peersFile: string) {
    this.node = node;
    this.replication = replication;
    this.peersFile = peersFile;
  }

  static async open(): Promise<Alone> {
    const node = await TestStore.open({ nodeName: 'cloud' });
    const directory = join(node.directory.path, 'nats');
    mkdirSync(directory);
    const port = await claimPort('127.0.0.1', 0, undefined);
    const replication = new Replication({
      store: node.store,
      keys: await openNodeKeys(join(node.directory.path, 'keys'), 'cloud'),
      user: 'cluster_user',
      password: 'secret',
      proofs: new Proofs(Buffer.alloc(32)),
      server: { host: '127.0.0.1', port, directory },
      apiPort: 1,
      version: '0',
      routes: [],
      relayWaitMs: 1_000,
      verifyIntervalMs: 60_000,
      maxClockSkewMs: 300_000,
      maxTransactionBytes: 1 << 20,
      streamLimits: { maxBytes: 1 << 20, maxAgeMs: 60_000 },
      log: pino({ level: 'silent' }),
    });
    return new Alone(node, replication, join(directory, 'peers.conf'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replication[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
  }
}

test('the users of nats-server are written while it does not run: it may not start with those that are there', async () => {
  await using alone = await Alone.open();
  writeFileSync(alone.peersFile, 'users: [ broken');
  const nkey = publicKeyOf(Buffer.from(makeSeed()));
  await alone.node.store.nodes.put({ name: 'edge', nkey, addedVersion: 1, subscriptions: [] });

  alone.replication.start();

  await vi.waitFor(() => expect(readFileSync(alone.peersFile, 'utf8')).toContain(`nkey: ${nkey}`), 10_000);
});

test('a node cannot be reached while who is let in cannot be written: that is no failure of the request', async () => {
  await using alone = await Alone.open();
  mkdirSync(alone.peersFile);
  await alone.node.store.nodes.put({
    name: 'edge',
    host: '127.0.0.1',
    port: 1,
    addedVersion: 1,
    subscriptions: [],
  });

  const outcome = await alone.replication.connect('edge', 50);

  expect(outcome).toEqual({ kind: 'unreachable', reason: expect.stringContaining('EISDIR') });
});

test('who is let in is not confirmed while nats-server does not run', async () => {
  await using alone = await Alone.open();
  alone.replication.start();

  expect(await alone.replication.arePeersInForce(50)).toBe(false);
});

test('what ran for a peer that is removed ends, also while who is let in cannot be written', async () => {
  await using alone = await Alone.open();
  const { node, replication, peersFile } = alone;
  const edge = { name: 'edge', host: '127.0.0.1', port: 1, addedVersion: 1, subscriptions: [] };
  await node.store.nodes.put(edge);
  const ended: string[] = [];
  const end = PeerSession.prototype[Symbol.asyncDispose];
  using _spied = vi.spyOn(PeerSession.prototype, Symbol.asyncDispose).mockImplementation(async function (
    this: PeerSession,
  ) {
    await end.call(this);
    ended.push(this.name);
  });
  expect(await replication.connect('edge', 5_000)).toMatchObject({ kind: 'unreachable' });
  rmSync(peersFile);
  mkdirSync(peersFile);

  await node.store.nodes.put({ ...edge, removedVersion: 2 });

  expect(await replication.connect('edge', 50)).toMatchObject({ reason: expect.stringContaining('EISDIR') });
  expect(ended).toEqual(['edge']);
});
