import { expect, test } from 'vitest';
import { atOnce } from '../../src/runtime/pauses.ts';
import type { Store } from '../../src/store/store.ts';
import type { LoggedTransaction } from '../../src/store/transaction-log.ts';
import { makeTable, rowsOf, tableOf, TestStore, upsert, withoutTimes } from './test-store.ts';

function logged(store: Store, range: { readonly limit?: number } = {}): LoggedTransaction[] {
  return [...atOnce(store.transactionLog(tableOf(store), range))].map((entry) =>
    entry.documents ? { ...entry, documents: entry.documents.map(withoutTimes) } : entry,
  );
}

/** A store with records 1 and 2, then a transaction that deletes 1, puts 3, deletes 2 and puts 4. */
async function openMixed(): Promise<TestStore> {
  const opened = await TestStore.open();
  const table = await makeTable(opened.store);
  await upsert(opened.store, { id: 1 }, { id: 2 });
  await opened.store.transact(
    [
      { table, keys: [1] },
      { table, operation: 'insert', documents: [{ id: 3 }] },
      { table, keys: [2] },
      { table, operation: 'upsert', documents: [{ id: 4 }] },
    ],
    'admin',
  );
  return opened;
}

test('a transaction that puts and deletes is told as what it deleted and what it put, in the order in which it began', async () => {
  await using mixed = await openMixed();
  const { store } = mixed;
  await store.transact(
    [
      { table: tableOf(store), operation: 'update', documents: [{ id: 3, age: 1 }] },
      { table: tableOf(store), keys: [4] },
    ],
    'admin',
  );

  const [, ...entries] = logged(store);

  const [first, , third] = entries.map(({ timestampMs }) => timestampMs);
  expect(entries).toEqual([
    { operation: 'delete', user: 'admin', timestampMs: first, keys: [1, 2] },
    {
      operation: 'upsert',
      user: 'admin',
      timestampMs: first,
      keys: [3, 4],
      documents: [{ id: 3 }, { id: 4 }],
    },
    { operation: 'upsert', user: 'admin', timestampMs: third, keys: [3], documents: [{ id: 3, age: 1 }] },
    { operation: 'delete', user: 'admin', timestampMs: third, keys: [4] },
  ]);
});

test('rows of a peer are told in the same way', async () => {
  await using mixed = await openMixed();
  await using opened = await TestStore.open({ nodeName: 'n2' });
  const { store } = opened;
  const table = await makeTable(store);
  const { storeId } = mixed.store.identity;
  const { incarnation } = tableOf(mixed.store);

  await store.comparison.repair(
    { peer: 'n1', table, storeId, incarnation, newerThan: 0 },
    rowsOf(mixed.store),
  );

  expect(logged(store)).toMatchObject([
    { operation: 'delete', user: undefined, keys: [1, 2] },
    { operation: 'upsert', user: undefined, keys: [3, 4], documents: [{ id: 3 }, { id: 4 }] },
  ]);
});

test('a limit counts what is told, also within a transaction', async () => {
  await using mixed = await openMixed();
  const all = logged(mixed.store);
  expect(all.map(({ operation }) => operation)).toEqual(['upsert', 'delete', 'upsert']);

  for (const limit of [0, 1, 2, 3, 4]) expect(logged(mixed.store, { limit })).toEqual(all.slice(0, limit));
});

/** A log of so many transactions, each of some thousand bytes. */
async function openLong(transactions: number): Promise<TestStore> {
  const opened = await TestStore.open();
  await makeTable(opened.store);
  await Promise.all(
    Array.from({ length: transactions }, (_, id) => upsert(opened.store, { id, text: 'x'.repeat(4_000) })),
  );
  return opened;
}

test('a long log is read with pauses, also where nothing of it is told', async () => {
  await using long = await openLong(3_000);
  const { store } = long;
  const pausesOf = (range: Parameters<Store['transactionLog']>[1]): number =>
    [...store.transactionLog(tableOf(store), range)].filter((entry) => entry === undefined).length;

  expect(pausesOf({ fromMs: 9e15 })).toBeGreaterThan(0);
  expect(pausesOf({ toMs: 0 })).toBeGreaterThan(0);
  expect(logged(store)).toHaveLength(3_000);
});

test('what is trimmed or written while the log is read does no harm to what is read of it', async () => {
  await using long = await openLong(500);
  const { store } = long;
  const keys: unknown[] = [];

  for (const entry of store.transactionLog(tableOf(store), {})) {
    if (entry === undefined) continue;
    keys.push(...entry.keys);
    if (keys.length !== 1) continue;
    await upsert(store, { id: 'later' });
    await store.purgeChannel(tableOf(store), { keep: 11 });
  }

  expect(keys[0]).toBe(0);
  expect(keys.slice(-10)).toEqual(Array.from({ length: 10 }, (_, index) => 490 + index));
  expect(keys).not.toContain('later');
});
