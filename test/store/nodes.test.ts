import { describe, expect, test } from 'vitest';
import { nodeAlarms } from '../../src/channel/alarms.ts';
import type { Document } from '../../src/model/change.ts';
import type { NodeRow } from '../../src/model/node.ts';
import { encodeDocument, encodeMessage } from '../../src/model/transaction-codec.ts';
import { msToVersion } from '../../src/model/version-clock.ts';
import { tearNodeRow } from './tear-node-row.ts';
import { makeTable, TestStore } from './test-store.ts';

const subscription = { database: 'dev', table: 'dog', publish: true, subscribe: true, version: 3 };
const edge: NodeRow = { name: 'edge', nkey: 'UEDGE', addedVersion: 3, subscriptions: [subscription] };
const other: NodeRow = { name: 'other', host: 'h', port: 1, addedVersion: 4, subscriptions: [subscription] };

const { nkey: _nkey, ...withoutKey } = edge;
const stored = {
  ...withoutKey,
  subscriptions: [{ schema: 'dev', table: 'dog', publish: true, subscribe: true, version: 3 }],
};
const documents: readonly (readonly [string, Document])[] = [
  ['no subscriptions', { name: 'edge', addedVersion: 3 }],
  ['a text for subscriptions', { ...stored, subscriptions: 'all' }],
  ['a subscription of nothing', { ...stored, subscriptions: [null] }],
  [
    'a subscription without a direction',
    { ...stored, subscriptions: [{ schema: 'dev', table: 'dog', version: 3 }] },
  ],
  [
    'a time that is none',
    { ...stored, subscriptions: [{ ...stored.subscriptions[0], start_time: 'never' }] },
  ],
  ['no version', { name: 'edge', subscriptions: [] }],
  ['a port that is a text', { ...stored, port: '9' }],
  ['a key that says more', { ...stored, nkey: 'UEDGE, permissions: {}' }],
];
const damages: readonly (readonly [string, Buffer, number])[] = [
  ['no bytes', Buffer.alloc(0), 0],
  ['a head that is cut short', Buffer.alloc(0), 9],
  ['another format', Buffer.from([9, 0, 0]), 0],
  [
    'an origin that nobody knows',
    Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 9, 9, ...Array.from({ length: 12 }, () => 0), 0x80]),
    0,
  ],
  ['no document', Buffer.alloc(0), 26],
  ['what is no MessagePack', Buffer.from([0xc1]), 26],
  ['a list', Buffer.from(encodeMessage(['edge'])), 26],
  ...documents.map(([what, document]) => [what, Buffer.from(encodeDocument(document)), 26] as const),
];

describe.each(damages)('a row of hdb_nodes with %s', (_what, bytes, keptBytes) => {
  test('is no node, hides no other one, raises an alarm, and can be written again', async () => {
    await using t = await TestStore.open();
    await t.store.nodes.put(edge);
    await t.store.nodes.put(other);

    await tearNodeRow(t.path, 'edge', bytes, keptBytes);
    t.store.refresh();

    const { nodes } = t.store;
    expect(nodes.all()).toEqual([other]);
    expect([nodes.get('edge'), nodes.get('other')]).toEqual([undefined, other]);
    expect(nodes.unreadable()).toEqual(['edge']);
    expect(nodeAlarms(t.store)).toEqual([
      {
        key: 'edge unreadable',
        text: expect.stringMatching(/^the row of edge in system\.hdb_nodes cannot be read.* add_node/),
      },
    ]);

    await nodes.put(edge);
    expect(nodes.all()).toEqual([edge, other]);
    expect([nodes.unreadable(), nodeAlarms(t.store)]).toEqual([[], []]);
    const table = t.store.catalog.table('system', 'hdb_nodes') ?? expect.fail('There is no table');
    expect(t.store.statistics(table).records).toBe(2);
  });
});

test('while a row of hdb_nodes cannot be read, what that node may hold or still send is taken into account', async () => {
  await using t = await TestStore.open();
  const table = await makeTable(t.store);
  await t.store.nodes.put({ ...edge, subscriptions: [] });
  expect(t.store.nodes.isShared(table)).toBe(false);

  await tearNodeRow(t.path, 'edge');
  t.store.refresh();

  expect(t.store.nodes.isShared(table)).toBe(true);
});

test('a node that is started under another name than its peers know says so until it has its name again, and takes another one while it has no peers', async () => {
  await using t = await TestStore.open({ nodeName: 'plant' });
  await t.reopen({ nodeName: 'factory' });
  await t.store.nodes.put(edge);
  expect(nodeAlarms(t.store)).toEqual([]);

  await t.reopen({ nodeName: 'hall' });

  const alarms = [
    {
      key: 'name',
      text: expect.stringMatching(/^the peers of this node know it as factory.* started as hall: start/),
    },
  ];
  expect(nodeAlarms(t.store)).toEqual(alarms);
  await t.store.nodes.put(other);
  await t.reopen();
  expect(nodeAlarms(t.store)).toEqual(alarms);
  await t.reopen({ nodeName: 'factory' });
  expect(nodeAlarms(t.store)).toEqual([]);
  await t.store.nodes.put({ ...edge, removedVersion: 9 });
  await t.store.nodes.put({ ...other, removedVersion: 9 });
  await t.reopen({ nodeName: 'hall' });
  await t.store.nodes.put(edge);
  await t.reopen();
  expect(nodeAlarms(t.store)).toEqual([]);
});

test('a row is decoded once, and again when somebody has written it, by whatever way', async () => {
  await using t = await TestStore.open();
  const { nodes } = t.store;
  await nodes.put(edge);
  await nodes.put(other);
  const first = nodes.get('edge');
  const [, second] = nodes.known();
  expect(first).toMatchObject(edge);
  for (const read of [nodes.get('edge'), nodes.knownNamed('edge'), nodes.known()[0]])
    expect(read).toBe(first);

  const moved = { ...stored, host: 'there' };
  await t.store.replaceSystemDocument('hdb_nodes', 'edge', moved);
  expect(nodes.get('edge')).toMatchObject({ host: 'there' });
  // The same again is another decision: what it says is as old as the row.
  const before = nodes.get('edge');
  await t.store.replaceSystemDocument('hdb_nodes', 'edge', moved);
  expect(nodes.get('edge')).not.toBe(before);
  expect(nodes.get('other')).toBe(second);

  const given = nodes.update('edge', (row) => {
    expect(row).toMatchObject({ host: 'there' });
    throw new Error('given up');
  });
  await expect(given).rejects.toThrow('given up');
  expect(nodes.get('edge')).toMatchObject({ host: 'there' });
  await t.store.replaceSystemDocument('hdb_nodes', 'edge', null);
  expect(nodes.get('edge')).toBeUndefined();
});

const decadesMs = 90 * 365 * 86_400_000;

test('a version further ahead than any wrong clock counts as the moment its row was written: decisions go on', async () => {
  await using t = await TestStore.open();
  const { nodes } = t.store;
  const before = await nodes.decide((version) => version);
  const decisions = (version: number): Pick<NodeRow, 'addedVersion' | 'subscriptions'> => ({
    addedVersion: version,
    subscriptions: [{ ...subscription, version }],
  });
  await nodes.put({ ...edge, ...decisions(Number.MAX_SAFE_INTEGER) });
  await nodes.put({ ...other, ...decisions(2 ** 53), removedVersion: 2 ** 53 });

  const drawn = await nodes.decide((version) => version);

  expect(drawn).toBeLessThan(before + 3_600_000_000);
  for (const { addedVersion, removedVersion = addedVersion, subscriptions } of nodes.all())
    for (const version of [addedVersion, removedVersion, ...subscriptions.map((one) => one.version)]) {
      expect(version).toBeGreaterThan(before);
      expect(version).toBeLessThan(drawn);
    }
});

test('a version of a clock that is decades ahead stays, and the next decision is newer', async () => {
  await using t = await TestStore.open();
  const { nodes } = t.store;
  const ahead = msToVersion(Date.now() + decadesMs);
  await nodes.put({ ...edge, removedVersion: ahead });

  expect(nodes.get('edge')?.removedVersion).toBe(ahead);
  expect(await nodes.decide((version) => version)).toBe(ahead + 1);
});

test('a node whose clock has not been set yet takes what others have decided as it is', async () => {
  await using t = await TestStore.open({ now: () => 0 });
  const { nodes } = t.store;
  const decided = msToVersion(Date.UTC(2030, 0));
  await nodes.put({ ...edge, addedVersion: decided });

  expect(nodes.get('edge')?.addedVersion).toBe(decided);
  expect(await nodes.decide((version) => version)).toBe(decided + 1);
});
