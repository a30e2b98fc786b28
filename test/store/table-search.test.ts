import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkInTime } from '../check-in-time.ts';
import type { Document, Key } from '../../src/model/change.ts';
import type { Comparator, Query } from '../../src/model/query.ts';
import type { Store } from '../../src/store/store.ts';
import { naiveSearch } from './search/naive-search.ts';
import { searchCase, type SearchCase } from './search/search-cases.ts';
import { dumpOf, maintain, makeTable, tableOf, TestStore, upsert, withoutTimes } from './test-store.ts';

/** A table that has come to hold the documents of the case by a detour. */
interface Detour extends SearchCase {
  /** Written first under the same keys, and replaced or deleted later. */
  readonly earlier: readonly Document[];
  /** Attributes whose index is built after the first writes, from a scan. */
  readonly late: readonly string[];
}

const detour: fc.Arbitrary<Detour> = fc
  .tuple(searchCase, searchCase, fc.subarray(['a', 'b', 'c', 'absent']))
  .map(([last, { documents: earlier }, late]) => ({ ...last, earlier, late }));

/** Characters that mean something to the encoding of keys, or stand at the edges of those that are. */
const oddCharacters = Array.from('\0\u0001\u0004\u0005\u001b ab\u{d7ff}\u{e000}\u{ffff}\u{10ffff}');
const fewOdd = fc.string({ unit: fc.constantFrom(...oddCharacters), maxLength: 4 });
/** From 64 on the encoding is another one. */
const oddText = fc.oneof(
  fewOdd,
  fewOdd.map((text) => 'a'.repeat(62) + text),
);
const oddQuery = fc
  .tuple(
    fc.constantFrom(
      'equals',
      'greater_than',
      'greater_than_equal',
      'less_than',
      'less_than_equal',
      'starts_with',
    ),
    oddText,
    fc.constantFrom(undefined, false, true),
  )
  .map(([comparator, value, descending]) => ({
    ...queryOf(comparator, value),
    ...(descending !== undefined && { sort: { attribute: 'a', descending } }),
  }));

function queryOf(comparator: Comparator, value: string): Query {
  return { where: { operator: 'and', conditions: [{ attribute: 'a', comparator, value }] } };
}

async function writeDetour(store: Store, name: string, { documents, earlier, indexed, late }: Detour) {
  const table = await makeTable(
    store,
    name,
    indexed.filter((attribute) => !late.includes(attribute)),
  );
  // Commits keep the order in which they were asked for, and share flushes.
  const commits: Promise<unknown>[] = [];
  const insert = (values: readonly Document[]): void => {
    commits.push(store.write({ table, operation: 'insert', documents: values }));
  };
  const remove = (values: readonly Document[]): void => {
    commits.push(store.delete({ table, keys: values.map(({ id }) => id as Key) }));
  };
  insert(earlier);
  await Promise.all(commits);
  for (const attribute of late)
    if (store.catalog.tableById(table.id)?.attributes.some((known) => known.name === attribute))
      await store.catalog.wantIndex(table, attribute);
    else await store.catalog.createAttribute('dev', name, { name: attribute, indexed: true });
  // Some before the index is complete, some after.
  remove(earlier.slice(0, 4));
  insert(documents.slice(0, 3));
  await maintain(store);
  remove(earlier);
  remove(documents);
  insert(documents);
  await Promise.all(commits);
}

describe('a search of a table', () => {
  test('answers what filtering and sorting everything answers, however the rows and indexes came about', async () => {
    await using test = await TestStore.open();
    let round = 0;
    await checkInTime(detour, { numRuns: 80, leastRuns: 10, limitMs: 5_000 }, async (example) => {
      const name = `t${(round += 1)}`;
      await writeDetour(test.store, name, example);

      const found = [...test.store.search(tableOf(test.store, name), example.query)].map(withoutTimes);

      expect(found).toEqual(naiveSearch(example.documents, example.query));
      await test.store.catalog.dropTable('dev', name);
    });
  });

  test('by the primary key takes a text that is longer than any key', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store);
    const ids = ['a', '語', '語'.repeat(299), `${'語'.repeat(299)}a`, '語'.repeat(300), '誤'];
    const documents = ids.map((id) => ({ id }));
    await upsert(test.store, ...documents);
    const comparators = [
      'equals',
      'greater_than',
      'greater_than_equal',
      'less_than',
      'less_than_equal',
    ] as const;
    for (const comparator of [...comparators, 'starts_with'] as const)
      for (const value of [
        '語'.repeat(800),
        '語'.repeat(5_000),
        `${'語'.repeat(299)}${'\0'.repeat(3_000)}`,
      ]) {
        const query: Query = {
          where: { operator: 'and', conditions: [{ attribute: 'id', comparator, value }] },
        };

        const found = [...test.store.search(table, query)].map(withoutTimes);

        expect(found, `${comparator} ${value.length}`).toEqual(naiveSearch(documents, query));
      }
  });

  test('finds the record at the lower end of a range of keys in either direction', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store, 'dog');
    await upsert(test.store, { id: 1 }, { id: 2 }, { id: 3 }, { id: 'a' }, { id: 'b' });
    const keysOf = (comparator: Comparator, value: unknown, descending: boolean): unknown[] => {
      const query: Query = {
        where: { operator: 'and', conditions: [{ attribute: 'id', comparator, value }] },
        sort: { attribute: 'id', descending },
      };
      return [...test.store.search(table, query)].map(({ id }) => id);
    };

    expect(keysOf('greater_than_equal', 2, false)).toEqual([2, 3]);
    expect(keysOf('greater_than_equal', 2, true)).toEqual([3, 2]);
    expect(keysOf('greater_than', 2, true)).toEqual([3]);
    expect(keysOf('between', ['a', 'a'], true)).toEqual(['a']);
    expect(keysOf('between', [1, 2], true)).toEqual([2, 1]);
    expect(keysOf('less_than_equal', 2, true)).toEqual([2, 1]);
  });

  test('finds and orders texts of control characters, of the last code points, and long ones', async () => {
    await using test = await TestStore.open();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(oddText, { minLength: 1, maxLength: 8 }), oddQuery, async (texts, query) => {
        const name = `t${(round += 1)}`;
        const table = await makeTable(test.store, name, ['a']);
        const documents = texts.map((a, id) => ({ id, a }));
        await test.store.write({ table, operation: 'insert', documents });

        const found = [...test.store.search(tableOf(test.store, name), query)].map(withoutTimes);

        expect(found).toEqual(naiveSearch(documents, query));
        await test.store.catalog.dropTable('dev', name);
      }),
      {
        numRuns: 150,
        examples: [
          [['a'.repeat(64), `${'a'.repeat(64)}\0`], queryOf('less_than_equal', `${'a'.repeat(64)}\0`)],
          [['\u{10ffff}'], queryOf('starts_with', '\u{10ffff}')],
          [['\ud7ff', '\ue000'], queryOf('starts_with', '\ud7ff')],
        ],
      },
    );
  });

  test('leaves no entry of a deleted record in an index', async () => {
    await using test = await TestStore.open();
    let round = 0;
    await checkInTime(detour, { numRuns: 25, leastRuns: 5, limitMs: 5_000 }, async (example) => {
      const name = `t${(round += 1)}`;
      await writeDetour(test.store, name, example);

      const table = tableOf(test.store, name);
      await test.store.delete({ table, keys: example.documents.map(({ id }) => id as Key) });
      const left = (await dumpOf(test.path))['indexes']?.filter((line) => line.startsWith(`[${table.id},`));
      expect(left).toEqual([]);
      await test.store.catalog.dropTable('dev', name);
    });
  });
});

describe('an index', () => {
  test('tells infinite numbers and null apart', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store, 'dog', ['size']);
    const find = (value: unknown): unknown[] => {
      const conditions = [{ attribute: 'size', comparator: 'equals' as const, value }];
      return [...test.store.search(table, { where: { operator: 'and', conditions } })].map(({ id }) => id);
    };
    await upsert(test.store, { id: 1, size: [Infinity, null] }, { id: 2, size: -Infinity });
    await upsert(test.store, { id: 2, size: null });

    expect(find(Infinity)).toEqual([1]);
    expect(find(null)).toEqual([1, 2]);
    expect(find(-Infinity)).toEqual([]);
  });

  const byName: Query = {
    where: {
      operator: 'and',
      conditions: [{ attribute: 'name', comparator: 'starts_with', value: 'n' }],
    },
  };

  test('orders texts as a scan does, also beyond the basic plane', async () => {
    await using test = await TestStore.open();
    const documents = ['\ue000', '😀', '\uffff', 'z'].map((name, id) => ({ id, name }));
    const orders: unknown[] = [];
    for (const [table, indexed] of [
      ['scanned', []],
      ['indexed', ['name']],
    ] as const) {
      await makeTable(test.store, table, indexed);
      await test.store.write({ table: tableOf(test.store, table), operation: 'insert', documents });
      const sort = { attribute: 'name', descending: false };
      const where = {
        operator: 'and' as const,
        conditions: [{ attribute: 'name', comparator: 'greater_than' as const, value: '😀' }],
      };
      orders.push(
        [
          { sort, limit: 2 },
          { sort, where },
        ].map((query) => [...test.store.search(tableOf(test.store, table), query)].map(({ id }) => id)),
      );
    }

    expect(orders[1]).toEqual(orders[0]);
  });

  test('is not read until it is complete, and misses no write made meanwhile', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);
    const documents = Array.from({ length: 5_000 }, (_, id) => ({ id, name: `n${id % 10}` }));
    await upsert(test.store, ...documents);
    await test.store.catalog.wantIndex(tableOf(test.store), 'name');
    const states: unknown[] = [];
    let steps = 0;
    do {
      states.push(tableOf(test.store).attributes.find(({ name }) => name === 'name')?.index);
      expect([...test.store.search(tableOf(test.store), byName)]).toHaveLength(5_000 + steps);
      await upsert(test.store, { id: 10_000 + steps, name: 'nx' }, { id: steps, name: 'n-changed' });
      steps += 1;
    } while (await test.store.maintenance.step());

    expect(states.slice(0, 3)).toEqual(['building', 'building', 'building']);
    expect(states.at(-1)).toBe('ready');
    const found = [...test.store.search(tableOf(test.store), byName)];
    expect(found).toHaveLength(5_000 + steps);
    expect(found.filter(({ name }) => name === 'n-changed')).toHaveLength(steps);
  });

  test('that was half built is built anew after a restart', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);
    await upsert(test.store, ...Array.from({ length: 5_000 }, (_, id) => ({ id, name: `n${id}` })));
    await test.store.catalog.wantIndex(tableOf(test.store), 'name');
    await test.store.maintenance.step();

    await test.reopen();
    expect(tableOf(test.store).attributes.find(({ name }) => name === 'name')?.index).toBe('building');
    await maintain(test.store);

    expect(tableOf(test.store).attributes.find(({ name }) => name === 'name')?.index).toBe('ready');
    expect([...test.store.search(tableOf(test.store), byName)]).toHaveLength(5_000);
  });

  test('is asked for by a search of a large table that missed it', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);
    await upsert(test.store, ...Array.from({ length: 10_000 }, (_, id) => ({ id, name: `n${id}` })));

    expect([...test.store.search(tableOf(test.store), byName)]).toHaveLength(10_000);
    await upsert(test.store, { id: 1 });
    await maintain(test.store);

    expect(tableOf(test.store).attributes.find(({ name }) => name === 'name')?.index).toBe('ready');
    expect([...test.store.search(tableOf(test.store), byName)]).toHaveLength(10_000);
  });

  test('is asked for once: searches while it is built commit nothing', async () => {
    const commits = { count: 0 };
    await using test = await TestStore.open({ onCommit: () => (commits.count += 1) });
    await makeTable(test.store);
    await upsert(test.store, ...Array.from({ length: 10_000 }, (_, id) => ({ id, name: `n${id}` })));
    await test.store.catalog.wantIndex(tableOf(test.store), 'name');
    const { version } = test.store.catalog;
    const before = commits.count;

    for (let round = 0; round < 3; round += 1)
      expect([...test.store.search(tableOf(test.store), byName)]).toHaveLength(10_000);
    await upsert(test.store, { id: 1 });

    expect(commits.count).toBe(before + 1);
    expect(test.store.catalog.version).toBe(version);
  });
});
