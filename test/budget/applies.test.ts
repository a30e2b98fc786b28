import { describe, expect, test } from 'vitest';
import { indexedFields } from '../../scripts/benchmark/readings.mjs';
import { both, connect, keysOf, Replica } from '../channel/replica.ts';
import { makeTable } from '../store/test-store.ts';
import type { StoreCounts } from './counted-environment.ts';
import { overBudget } from './over-budget.ts';
import { row, rows } from './rows.ts';
import { atOnce, StoreCounter } from './store-counter.ts';

interface Load {
  readonly name: string;
  /** What a publisher does before its subscriber asks. */
  readonly ready: (publisher: Replica, subscriber: Replica) => Promise<unknown>;
  readonly answering: StoreCounts;
  readonly applying: StoreCounts;
  /** With two indexes at the subscriber, where that differs. */
  readonly indexed: StoreCounts;
}

const loads: readonly Load[] = [
  {
    name: 'one transaction of 1,000 rows',
    ready: async (publisher, subscriber) => {
      await subscriber.follow(publisher);
      await publisher.upsert(...rows(1_000));
    },
    answering: {
      'meta gets': 7,
      'meta gets again': 6,
      'tableStates gets': 3,
      'tableStates gets again': 2,
      'records gets': 2,
      'records gets again': 1,
      'log gets': 2,
      'log gets again': 1,
      'channels gets': 3,
      'channels gets again': 1,
      'channels scanned': 1,
    },
    applying: {
      transactions: 1,
      commits: 1,
      'written bytes': 1_090_000,
      'meta gets': 6,
      'meta gets again': 4,
      'meta puts': 1,
      'meta put bytes': 40,
      'tableStates gets': 1,
      'tableStates puts': 1,
      'tableStates put bytes': 45,
      'records gets': 1,
      'records scanned': 1,
      'records puts': 1_000,
      'records put bytes': 362_061,
      'log puts': 1,
      'log put bytes': 362_163,
      'channels puts': 1,
      'channels put bytes': 40,
      'cursors gets': 2,
      'cursors puts': 1,
      'cursors put bytes': 33,
      'marks gets': 2,
      'marks gets again': 1,
      'marks puts': 1,
      'marks put bytes': 24,
      'tombstones gets': 1,
    },
    indexed: {
      'written bytes': 1_310_000,
      'indexes puts': 2_000,
    },
  },
  {
    name: '1,000 transactions of one row',
    ready: async (publisher, subscriber) => {
      await subscriber.follow(publisher);
      await atOnce(64, 1_000, async (number) => publisher.upsert(row(number)));
    },
    answering: {
      'meta gets': 28,
      'meta gets again': 24,
      'tableStates gets': 12,
      'tableStates gets again': 8,
      'records gets': 8,
      'records gets again': 4,
      'log gets': 1_007,
      'log gets again': 1,
      'channels gets': 12,
      'channels gets again': 4,
      'channels scanned': 1_003,
    },
    applying: {
      transactions: 4,
      commits: 4,
      'written bytes': 1_540_000,
      'meta gets': 24,
      'meta gets again': 16,
      'meta puts': 4,
      'meta put bytes': 160,
      'tableStates gets': 4,
      'tableStates puts': 4,
      'tableStates put bytes': 182,
      'records gets': 4,
      'records scanned': 4,
      'records puts': 1_000,
      'records put bytes': 362_061,
      'log puts': 1_000,
      'log put bytes': 463_301,
      'channels puts': 1_000,
      'channels put bytes': 40_000,
      'cursors gets': 8,
      'cursors puts': 4,
      'cursors put bytes': 139,
      'marks gets': 4,
      'marks puts': 4,
      'marks put bytes': 96,
      'tombstones gets': 4,
    },
    indexed: {
      'written bytes': 1_850_000,
      'indexes puts': 2_000,
    },
  },
  {
    name: 'a copy',
    ready: async (publisher, subscriber) => {
      await publisher.upsert(...rows(1_000));
      await subscriber.step(publisher);
    },
    answering: {
      'meta gets': 31,
      'meta gets again': 26,
      'tableStates gets': 15,
      'tableStates gets again': 10,
      'records gets': 6,
      'records gets again': 1,
      'records scanned': 1_004,
      'log gets': 1,
      'channels gets': 11,
      'channels gets again': 6,
      'tombstones gets': 4,
    },
    applying: {
      transactions: 5,
      commits: 5,
      'written bytes': 1_000_000,
      'meta gets': 19,
      'meta gets again': 12,
      'meta puts': 6,
      'meta puts again': 1,
      'meta idle puts': 1,
      'meta put bytes': 240,
      'catalog scanned': 11,
      'catalog puts': 1,
      'catalog put bytes': 1_157,
      'tableStates gets': 4,
      'tableStates puts': 4,
      'tableStates put bytes': 173,
      'records gets': 2,
      'records scanned': 1,
      'records puts': 1_001,
      'records put bytes': 362_380,
      'log puts': 4,
      'log put bytes': 362_830,
      'channels puts': 4,
      'channels put bytes': 160,
      'origins gets': 2,
      'origins puts': 3,
      'origins put bytes': 24,
      'cursors gets': 10,
      'cursors puts': 4,
      'cursors put bytes': 657,
      'marks gets': 1,
      'marks puts': 1,
      'marks put bytes': 24,
      'tombstones gets': 5,
      'tombstones gets again': 1,
    },
    indexed: {
      'written bytes': 1_295_000,
      'indexes puts': 2_002,
    },
  },
];

/** Without what the process writes meanwhile, which the subscriber does. */
function readsOf(counts: StoreCounts): StoreCounts {
  return { ...counts, 'written bytes': 0 };
}

describe.each([
  { indexes: 'no index', fields: [] },
  { indexes: 'two indexes', fields: indexedFields },
])('what 1,000 rows of a peer cost a table with $indexes,', ({ fields }) => {
  test.each(loads)('$name', async ({ ready, answering, applying, indexed }) => {
    const [publishing, subscribing] = [new StoreCounter(), new StoreCounter()];
    await using a = await Replica.open('a', { wrap: publishing.wrap });
    // Commits are bounded in time: on this clock none passes.
    await using b = await Replica.open('b', { wrap: subscribing.wrap, steadyMs: () => 0 });
    await makeTable(a.store);
    await makeTable(b.store, 'dog', fields);
    await connect(a, b, both);
    // What only the first row does.
    await a.upsert(row(1_000_000));
    await ready(a, b);

    let applied: StoreCounts = {};
    const answered = await publishing.counting(async () => {
      applied = await subscribing.counting(async () => b.follow(a));
    });

    expect(keysOf(b)).toHaveLength(1_001);
    expect(overBudget(readsOf(answered), answering)).toEqual([]);
    expect(overBudget(applied, fields.length > 0 ? { ...applying, ...indexed } : applying)).toEqual([]);
  });
});
