import { describe, expect, test } from 'vitest';
import { indexedFields } from '../../scripts/benchmark/readings.mjs';
import type { Store } from '../../src/store/store.ts';
import { makeTable, tableOf, TestStore, upsert } from '../store/test-store.ts';
import type { StoreCounts } from './counted-environment.ts';
import { overBudget } from './over-budget.ts';
import { row, rows } from './rows.ts';
import { atOnce, StoreCounter } from './store-counter.ts';

interface Load {
  readonly name: string;
  /** Makes it ready; what that gives is the load. */
  readonly ready: (store: Store) => Promise<() => Promise<unknown>>;
  readonly budget: StoreCounts;
  /** With two indexes, where that differs. */
  readonly indexed: StoreCounts;
}

const singleRequests: StoreCounts = {
  commits: 1_000,
  'records gets': 1_000,
  'records puts': 1_000,
  'records put bytes': 362_061,
  'channels puts': 1_000,
  'channels put bytes': 40_000,
  'log puts': 1_000,
  'log put bytes': 465_301,
};

const batch: StoreCounts = {
  transactions: 1,
  commits: 1,
  'meta gets': 2,
  'meta puts': 1,
  'meta put bytes': 40,
  'tableStates gets': 1,
  'tableStates puts': 1,
  'tableStates put bytes': 45,
  'records gets': 1_000,
  'records puts': 1_000,
  'channels puts': 1,
  'channels put bytes': 40,
  'log puts': 1,
};

const loads: readonly Load[] = [
  {
    name: 'inserted one at a time',
    ready: async (store) => inserts(store, 1),
    budget: {
      ...singleRequests,
      transactions: 1_000,
      'written bytes': 43_110_000,
      'meta gets': 1_000,
      'meta puts': 1_000,
      'meta put bytes': 40_000,
      'tableStates gets': 1_000,
      'tableStates puts': 1_000,
      'tableStates put bytes': 45_512,
    },
    indexed: { 'written bytes': 55_230_000, 'indexes puts': 2_000 },
  },
  {
    name: 'inserted 64 at a time',
    ready: async (store) => inserts(store, 64),
    budget: {
      ...singleRequests,
      transactions: 16,
      'written bytes': 2_013_000,
      'meta gets': 16,
      'meta puts': 16,
      'meta put bytes': 640,
      'tableStates gets': 16,
      'tableStates puts': 16,
      'tableStates put bytes': 734,
    },
    indexed: { 'written bytes': 2_620_000, 'indexes puts': 2_000 },
  },
  {
    name: 'inserted as a batch',
    ready: async (store) => async () => upsert(store, ...rows(1_000)),
    budget: {
      ...batch,
      'written bytes': 1_086_000,
      'catalog scanned': 11,
      'records put bytes': 362_061,
      'log put bytes': 362_165,
    },
    indexed: { 'written bytes': 1_307_000, 'indexes puts': 2_000 },
  },
  {
    name: 'updated as a batch, one of the indexed fields too',
    ready: async (store) => {
      await upsert(store, ...rows(1_000));
      const changed = rows(1_000).map(({ id }, at) => ({ id, recorded_at: at, note: 'changed' }));
      return async () => upsert(store, ...changed);
    },
    budget: {
      ...batch,
      'written bytes': 1_082_000,
      'origins gets': 1,
      'records put bytes': 350_277,
      'log put bytes': 360_381,
    },
    indexed: { 'written bytes': 1_193_000, 'indexes puts': 1_000, 'indexes removes': 1_000 },
  },
  {
    name: 'deleted as a batch',
    ready: async (store) => {
      await upsert(store, ...rows(1_000));
      const keys = rows(1_000).map(({ id }) => String(id));
      return async () => store.delete({ table: tableOf(store), keys });
    },
    budget: {
      ...batch,
      'written bytes': 824_000,
      'origins gets': 1,
      'records put bytes': 26_000,
      'tombstones puts': 1_000,
      'tombstones put bytes': 16_000,
      'log put bytes': 34_102,
    },
    indexed: { 'indexes removes': 2_000 },
  },
];

/** A thousand, each a request of its own. */
async function inserts(store: Store, width: number): Promise<() => Promise<void>> {
  const table = tableOf(store);
  return async () =>
    atOnce(width, 1_000, async (number) =>
      store.write({ table, operation: 'insert', documents: [row(number)] }),
    );
}

describe.each([
  { indexes: 'no index', fields: [] },
  { indexes: 'two indexes', fields: indexedFields },
])('what 1,000 rows cost a table with $indexes,', ({ fields }) => {
  test.each(loads)('$name', async ({ ready, budget, indexed }) => {
    const counter = new StoreCounter();
    await using node = await TestStore.open({ wrap: counter.wrap });
    await makeTable(node.store, 'dog', fields);
    // What only the first write of a table does.
    await upsert(node.store, row(1_000_000));
    const load = await ready(node.store);

    const spent = await counter.counting(load);

    expect(overBudget(spent, fields.length > 0 ? { ...budget, ...indexed } : budget)).toEqual([]);
  });
});
