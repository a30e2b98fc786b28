import { expect, test } from 'vitest';
import { makeTable, TestStore, upsert } from '../store/test-store.ts';
import type { StoreCounts } from './counted-environment.ts';
import { StoreCounter } from './store-counter.ts';

const peers = ['n2', 'n3'];

/** What it costs to drop a database of so many tables, all of them shared with every peer. */
async function dropped(count: number): Promise<StoreCounts> {
  const counter = new StoreCounter();
  await using node = await TestStore.open({ wrap: counter.wrap });
  const { store } = node;
  const names = Array.from({ length: count }, (_, number) => `t${number}`);
  for (const name of names) await makeTable(store, name);
  const subscriptions = names.map((table) => ({
    ...{ database: 'dev', table, publish: true, subscribe: true, version: 1 },
  }));
  for (const name of peers) await store.nodes.put({ name, addedVersion: 1, subscriptions });
  return await counter.counting(async () => store.catalog.dropDatabase('dev'));
}

test('a dropped database writes the row of each peer once, and reads the catalog as often, however many tables it has', async () => {
  const [few, many] = [await dropped(20), await dropped(60)];

  for (const counts of [few, many])
    expect(counts).toMatchObject({ 'records puts': peers.length, commits: 1, transactions: 1 });
  expect(many['catalog scanned']).toBeLessThan((few['catalog scanned'] ?? 0) * 3);
});

test('what is kept for peers is looked through once in a decision about all of them', async () => {
  const counter = new StoreCounter();
  await using node = await TestStore.open({ wrap: counter.wrap });
  const { store } = node;
  const table = await makeTable(store);
  await upsert(store, { id: 1 });
  const subscriptions = [{ database: 'dev', table: 'dog', publish: true, subscribe: false, version: 1 }];
  const rows = peers.map((name) => ({ name, addedVersion: 1, subscriptions }));
  for (const row of rows) {
    await store.nodes.put(row);
    const id = store.log.idAt(table.id, 1) ?? expect.fail('no transaction');
    await store.confirmed.note(row.name, [
      { tableId: table.id, seq: 1, id, storeId: row.name, isCopying: false },
    ]);
  }

  const counts = await counter.counting(async () =>
    store.nodes.decide((version, put) => {
      for (const row of rows) put({ ...row, subscriptions: [], removedVersion: version });
    }),
  );

  expect(counts).toMatchObject({
    commits: 1,
    'confirmed scanned': peers.length,
    'confirmed removes': peers.length,
  });
  expect(store.confirmed.all()).toEqual([]);
});
