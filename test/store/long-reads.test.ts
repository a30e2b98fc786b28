import { statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Document } from '../../src/model/change.ts';
import type { Query } from '../../src/model/query.ts';
import type { Table } from '../../src/model/table.ts';
import type { Store } from '../../src/store/store.ts';
import { checkInTime } from '../check-in-time.ts';
import { maintain, makeTable, tableOf, TestStore, upsert, withoutTimes } from './test-store.ts';
import { Time } from './time.ts';

const byA = (descending: boolean): Query => ({
  where: {
    operator: 'and',
    conditions: [{ attribute: 'a', comparator: 'greater_than_equal', value: '' }],
  },
  sort: { attribute: 'a', descending },
});
const byKey = (descending: boolean): Query => ({
  where: {
    operator: 'and',
    conditions: [{ attribute: 'id', comparator: 'greater_than_equal', value: '' }],
  },
  sort: { attribute: 'id', descending },
});
const queries: Readonly<Record<string, Query>> = {
  'the whole table': {},
  'the whole table, backwards': { sort: { attribute: 'id', descending: true } },
  'a range of keys': byKey(false),
  'a range of keys, backwards': byKey(true),
  'an index': byA(false),
  'an index, backwards': byA(true),
  'several ranges of an index': {
    where: {
      operator: 'or',
      conditions: [
        { attribute: 'a', comparator: 'less_than', value: 'm' },
        { attribute: 'a', comparator: 'greater_than_equal', value: 'm' },
      ],
    },
  },
};

/** Characters that mean something to the encoding of keys, in texts that it writes in either of its ways. */
const oddValue = fc
  .tuple(
    fc.constantFrom('', 'k', 'z'.repeat(62)),
    fc.string({ unit: fc.constantFrom('\0', '\u0004', '\u0005', 'm'), maxLength: 3 }),
  )
  .map(([head, tail]) => head + tail);
const key = fc
  .tuple(fc.constantFrom('', 'k'.repeat(70)), fc.integer({ min: 0, max: 12 }))
  .map(([head, n]) => `${head}n${n}`);
const write = fc.oneof(
  fc.record({ kind: fc.constant('put'), id: key, a: oddValue }),
  fc.record({ kind: fc.constant('delete'), id: key, a: fc.constant('') }),
);
const history = fc.record({
  documents: fc.uniqueArray(fc.record({ id: key, a: oddValue }), { selector: ({ id }) => id, maxLength: 16 }),
  /** What is written before each of the first documents is taken. */
  writes: fc.array(fc.array(write, { maxLength: 3 }), { maxLength: 8 }),
});

async function allOf(
  store: Store,
  time: Time,
  table: Table,
  query: Query,
  meanwhile: (taken: number) => Promise<unknown>,
): Promise<Document[]> {
  const found: Document[] = [];
  for (const document of store.searchWithPauses(table, query)) {
    if (document === undefined) continue;
    found.push(document);
    await meanwhile(found.length - 1);
    await time.pass();
  }
  return found;
}

describe('a search that lets its snapshots go', () => {
  test.each(Object.entries(queries))(
    'gives no record twice and none too few, whatever is written meanwhile: %s',
    async (_, query) => {
      const time = new Time();
      await using node = await TestStore.open({ later: time.later });
      const { store } = node;
      let round = 0;
      let written = 0;
      await checkInTime(history, { numRuns: 60, leastRuns: 5, limitMs: 4_000 }, async (example) => {
        const name = `t${(round += 1)}`;
        await makeTable(store, name, ['a']);
        const table = tableOf(store, name);
        const documents = example.documents;
        await store.write({ table, operation: 'upsert', documents });
        const touched = new Set<unknown>();
        const deleted = new Set<unknown>();

        const found = await allOf(store, time, table, query, async (taken) => {
          for (const { kind, id, a } of example.writes[taken] ?? []) {
            touched.add(id);
            written += 1;
            if (kind === 'put') await store.write({ table, operation: 'upsert', documents: [{ id, a }] });
            else {
              deleted.add(id);
              await store.delete({ table, keys: [id] });
            }
          }
        });

        const ids = found.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const there = documents.map(({ id }) => id).filter((id) => !deleted.has(id));
        expect(ids).toEqual(expect.arrayContaining(there));
        const still = found.filter(({ id }) => !touched.has(id)).map(withoutTimes);
        const asked = [...store.search(table, query)].filter(({ id }) => !touched.has(id)).map(withoutTimes);
        expect(still).toEqual(asked);
        await store.catalog.dropTable('dev', name);
      });
      expect(written).toBeGreaterThan(10);
    },
  );

  test.each([
    ['the whole table', ['b', 'c', 'd', 'new']],
    // Its entries move: those of the moment are read ahead.
    ['an index', ['b', 'c', 'd']],
  ])('shows each record as it is when it is read: %s', async (name, rest) => {
    const time = new Time();
    await using node = await TestStore.open({ later: time.later });
    const { store } = node;
    await makeTable(store, 'dog', ['a']);
    await upsert(store, ...['a', 'b', 'c', 'd'].map((id) => ({ id, a: id, text: 'old' })));

    const found = await allOf(store, time, tableOf(store), queries[name] ?? {}, async (taken) => {
      if (taken === 0) await upsert(store, { id: 'd', a: 'd', text: 'later' }, { id: 'new', a: 'new' });
    });

    expect(found.map(({ id }) => id)).toEqual(['a', ...rest]);
    expect(found[3]).toMatchObject({ id: 'd', text: 'later' });
  });

  test('lets what was written over meanwhile be used again, however long it is read', async () => {
    await using node = await TestStore.open({ logMaxBytes: 1_000_000, logNoticeMs: 0 });
    const { store } = node;
    const table = await makeTable(store);
    const size = (): number => statSync(join(node.path, 'lyre.mdb')).size;
    const rewrite = async (): Promise<void> => {
      const text = String(Math.random()).repeat(60);
      await store.write({
        table,
        operation: 'upsert',
        documents: Array.from({ length: 200 }, (_, id) => ({ id, text })),
      });
      await maintain(store);
    };
    for (let round = 0; round < 5; round += 1) await rewrite();

    const slow = store.searchWithPauses(table, {})[Symbol.iterator]();
    slow.next();

    // 8 rounds write 6 MB.
    await vi.waitFor(
      async () => {
        const before = size();
        for (let round = 0; round < 8; round += 1) await rewrite();
        expect(size() - before).toBeLessThan(2_000_000);
      },
      { timeout: 15_000, interval: 100 },
    );
    const others: unknown[] = [];
    for (let step = slow.next(); step.done !== true; step = slow.next())
      if (step.value) others.push(step.value['id']);
    expect(others).toEqual(Array.from({ length: 199 }, (_, n) => n + 1));
  });

  test('of an index goes on in what it has read ahead, in several turns', { timeout: 60_000 }, async () => {
    const time = new Time();
    await using node = await TestStore.open({ later: time.later });
    await makeTable(node.store, 'dog', ['a']);
    const ids = Array.from({ length: 3_500 }, (_, n) => `id-${String(n).padStart(5, '0')}`);
    await upsert(node.store, ...ids.map((id) => ({ id, a: id })));

    const found = await allOf(node.store, time, tableOf(node.store), byA(false), async (taken) => {
      // Behind what is read ahead at once.
      if (taken === 0) await node.store.delete({ table: tableOf(node.store), keys: ['id-03000'] });
    });

    expect(found.map(({ id }) => id)).toEqual(ids.filter((id) => id !== 'id-03000'));
  });

  test('holds nothing of a store that is closed', async () => {
    await using node = await TestStore.open();
    await makeTable(node.store);
    await upsert(node.store, { id: 1 }, { id: 2 });
    const slow = node.store.searchWithPauses(tableOf(node.store), {})[Symbol.iterator]();
    slow.next();

    await node.reopen();

    expect(() => slow.next()).toThrow('closed');
  });
});
