import { expect, test } from 'vitest';
import type { Subscription } from '../../src/model/node.ts';
import type { Store } from '../../src/store/store.ts';
import { makeTable, TestStore } from './test-store.ts';

/** Makes `peer` a subscriber of these tables of ours, and of no others. */
async function publishTo(store: Store, peer: string, ...tables: readonly string[]): Promise<void> {
  const subscriptions = tables.map((table): Subscription => ({
    database: 'dev',
    table,
    publish: true,
    subscribe: false,
    version: 1,
  }));
  await store.nodes.put({ name: peer, addedVersion: 1, subscriptions });
}

test('what a peer confirmed is known after a restart', async () => {
  await using t = await TestStore.open({ now: () => 1_800_000_000_000 });
  const { id } = await makeTable(t.store);
  await publishTo(t.store, 'edge', 'dog');

  await t.store.confirmed.note('edge', [{ tableId: id, seq: 7, id: 'seven' }]);
  await t.reopen();

  expect(t.store.confirmed.get('edge', id)).toEqual({
    peer: 'edge',
    tableId: id,
    warnedAtMs: undefined,
    seq: 7,
    id: 'seven',
    atMs: 1_800_000_000_000,
  });
});

test('the lowest is that of the subscriber furthest behind, by table', async () => {
  await using t = await TestStore.open();
  const dog = await makeTable(t.store, 'dog');
  const cat = await makeTable(t.store, 'cat');
  for (const peer of ['edge-1', 'edge-2']) await publishTo(t.store, peer, 'dog', 'cat');

  await t.store.confirmed.note('edge-1', [
    { tableId: dog.id, seq: 10, id: 'ten' },
    { tableId: cat.id, seq: 1, id: 'one' },
  ]);
  await t.store.confirmed.note('edge-2', [{ tableId: dog.id, seq: 9, id: 'nine' }]);

  expect(t.store.confirmed.lowest(dog.id)).toMatchObject({ peer: 'edge-2', seq: 9 });
  expect(t.store.confirmed.lowest(cat.id)).toMatchObject({ peer: 'edge-1', seq: 1 });
});

test('advances are written every ten seconds, a step back at once', async () => {
  let nowMs = 1_800_000_000_000;
  await using t = await TestStore.open({ now: () => nowMs });
  const { id: tableId } = await makeTable(t.store);
  await publishTo(t.store, 'edge', 'dog');
  const confirmed = (): number | undefined => t.store.confirmed.get('edge', tableId)?.seq;
  await t.store.confirmed.note('edge', [{ tableId, seq: 5, id: 'five' }]);

  nowMs += 9_999;
  await t.store.confirmed.note('edge', [{ tableId, seq: 6, id: 'six' }]);
  expect(confirmed()).toBe(5);

  nowMs += 1;
  await t.store.confirmed.note('edge', [{ tableId, seq: 6, id: 'six' }]);
  expect(confirmed()).toBe(6);

  await t.store.confirmed.note('edge', [{ tableId, seq: 3, id: 'three' }]);
  expect(confirmed()).toBe(3);

  nowMs -= 3_600_000;
  await t.store.confirmed.note('edge', [{ tableId, seq: 4, id: 'four' }]);
  expect(confirmed()).toBe(4);
});

test('another store of the peer, and the end of a copy, are written at once', async () => {
  await using t = await TestStore.open();
  const { id: tableId } = await makeTable(t.store);
  await publishTo(t.store, 'edge', 'dog');
  const place = { tableId, seq: 5, id: 'five' };

  for (const told of [
    { ...place, storeId: 'one', isCopying: true },
    { ...place, storeId: 'one', isCopying: false },
    { ...place, storeId: 'two', isCopying: false },
  ]) {
    await t.store.confirmed.note('edge', [told]);
    expect(t.store.confirmed.get('edge', tableId)).toMatchObject(told);
  }
});

test('it goes with the subscription, with the peer and with the table', async () => {
  await using t = await TestStore.open();
  const dog = await makeTable(t.store, 'dog');
  const cat = await makeTable(t.store, 'cat');
  const told = [
    { tableId: dog.id, seq: 1, id: 'd' },
    { tableId: cat.id, seq: 1, id: 'c' },
  ];
  for (const peer of ['edge-1', 'edge-2', 'edge-3']) {
    await publishTo(t.store, peer, 'dog', 'cat');
    await t.store.confirmed.note(peer, told);
  }

  await publishTo(t.store, 'edge-1', 'cat');
  await publishTo(t.store, 'edge-2');
  await t.store.confirmed.note('edge-2', told);

  expect(t.store.confirmed.all(dog.id).map(({ peer }) => peer)).toEqual(['edge-3']);
  expect(t.store.confirmed.all(cat.id).map(({ peer }) => peer)).toEqual(['edge-1', 'edge-3']);
  await t.store.catalog.dropTable('dev', 'dog');
  expect(t.store.confirmed.all(dog.id)).toEqual([]);
  expect(t.store.confirmed.lowest(dog.id)).toBeUndefined();
});
