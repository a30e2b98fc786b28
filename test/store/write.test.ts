import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasReservedCharacters } from '../../src/model/change.ts';
import type { Document, Key } from '../../src/model/change.ts';
import type { Store } from '../../src/store/store.ts';
import { documentsOf, makeTable, rowsOf, tableOf, TestStore, withoutTimes } from './test-store.ts';

type Operation = 'insert' | 'update' | 'upsert';

async function write(store: Store, operation: Operation, ...documents: Document[]) {
  const { written, skipped } = await store.write({ table: tableOf(store), operation, documents });
  return { written, skipped };
}

describe('insert', () => {
  test('writes new records and skips keys that exist, also twice in one request', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);
    await write(test.store, 'insert', { id: 1, name: 'rex' });

    const result = await write(test.store, 'insert', { id: 1 }, { id: 2, a: 1 }, { id: 2, a: 2 });

    expect(result).toEqual({ written: [2], skipped: [1, 2] });
    expect(documentsOf(test.store)).toEqual([
      { id: 1, name: 'rex' },
      { id: 2, a: 1 },
    ]);
  });

  test('gives a record without a key a UUID', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);

    const { written } = await write(test.store, 'insert', { name: 'rex' }, { id: '', name: 'max' });

    expect(written).toHaveLength(2);
    for (const key of written) expect(key).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(documentsOf(test.store).map(({ id }) => id))).toEqual(new Set(written));
  });

  test('takes a key again after its record was deleted', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store);
    await write(test.store, 'insert', { id: 1, name: 'rex', old: true });
    await test.store.delete({ table, keys: [1] });

    const result = await write(test.store, 'insert', { id: 1, name: 'max' });

    expect(result.written).toEqual([1]);
    expect(documentsOf(test.store)).toEqual([{ id: 1, name: 'max' }]);
  });
});

describe('update', () => {
  test('merges into records that exist, and skips others', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);
    await write(test.store, 'insert', { id: 1, name: 'rex', tags: [1, 2] });

    const result = await write(test.store, 'update', { id: 1, tags: [3] }, { id: 2 }, { id: 1, age: null });

    expect(result).toEqual({ written: [1, 1], skipped: [2] });
    expect(documentsOf(test.store)).toEqual([{ id: 1, name: 'rex', tags: [3], age: null }]);
  });

  test('keeps the time of creation and renews the time of change', async () => {
    let nowMs = 1_800_000_000_000;
    await using test = await TestStore.open({ now: () => nowMs });
    const table = await makeTable(test.store);
    await write(test.store, 'insert', { id: 1 });
    nowMs += 5;

    await write(test.store, 'update', { id: 1, name: 'rex' });

    expect(test.store.get(table, 1)).toEqual({
      id: 1,
      name: 'rex',
      __createdtime__: 1_800_000_000_000,
      __updatedtime__: 1_800_000_000_005,
    });
  });
});

test('what a transaction deletes and writes again is a new record, created then', async () => {
  let nowMs = 1_800_000_000_000;
  await using test = await TestStore.open({ now: () => nowMs });
  const table = await makeTable(test.store);
  await write(test.store, 'insert', { id: 1, name: 'rex' }, { id: 2, name: 'max' });
  nowMs += 5;

  await test.store.transact(
    [
      { table, keys: [1] },
      { table, operation: 'insert', documents: [{ id: 1 }] },
      { table, operation: 'upsert', documents: [{ id: 1, name: 'new' }] },
      { table, operation: 'update', documents: [{ id: 2, name: 'mia' }] },
    ],
    undefined,
  );

  expect(test.store.get(table, 1)).toEqual({
    id: 1,
    name: 'new',
    __createdtime__: nowMs,
    __updatedtime__: nowMs,
  });
  expect(test.store.get(table, 2)).toMatchObject({ __createdtime__: nowMs - 5, __updatedtime__: nowMs });
});

test('upsert merges or creates', async () => {
  await using test = await TestStore.open();
  await makeTable(test.store);
  await write(test.store, 'upsert', { id: 1, name: 'rex' });

  const result = await write(test.store, 'upsert', { id: 1, age: 3 }, { id: 2 });

  expect(result).toEqual({ written: [1, 2], skipped: [] });
  expect(documentsOf(test.store)).toEqual([{ id: 1, name: 'rex', age: 3 }, { id: 2 }]);
});

test('delete leaves a tombstone with its own stamp and base, and skips what is not there', async () => {
  await using test = await TestStore.open();
  const table = await makeTable(test.store);
  await write(test.store, 'insert', { id: 1 }, { id: 2 });
  const [live] = rowsOf(test.store);

  const result = await test.store.delete({ table, keys: [1, 1, 3] });

  expect(result).toEqual({ deleted: [1], skipped: [1, 3] });
  expect(test.store.get(table, 1)).toBeUndefined();
  const [tombstone, other] = rowsOf(test.store);
  expect(tombstone).toMatchObject({
    key: 1,
    bytes: null,
    base: { version: live?.version, origin: live?.origin },
  });
  expect(tombstone?.version).toBeGreaterThan(live?.version ?? Infinity);
  expect(other).toMatchObject({ key: 2, base: null });
  expect(test.store.statistics(table)).toMatchObject({ records: 1, tombstones: 1 });
});

test('a write to a dropped table is refused', async () => {
  await using test = await TestStore.open();
  const table = await makeTable(test.store);
  await test.store.catalog.dropTable('dev', 'dog');

  await expect(
    test.store.write({ table, operation: 'insert', documents: [{ id: 1 }] }),
  ).rejects.toMatchObject({ code: 'table_missing' });
});

test('what the store notes in a system table has its attributes known, and may be larger than a transaction', async () => {
  await using test = await TestStore.open({ maxTransactionBytes: 100 });
  const noted = { id: 'c1', reason: 'concurrent', loser: { text: 'x'.repeat(200) } };

  await test.store.replaceSystemDocument('hdb_conflicts', 'c1', noted);

  const table = test.store.catalog.table('system', 'hdb_conflicts') ?? expect.fail('no table of conflicts');
  expect(table.attributes.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(noted)));
  expect(test.store.get(table, 'c1')).toMatchObject(noted);
});

test('the number 1 and the string 1 are two keys; 0 and -0 are one', async () => {
  await using test = await TestStore.open();
  const table = await makeTable(test.store);

  await write(test.store, 'insert', { id: 1 }, { id: '1' }, { id: 0 });
  await write(test.store, 'upsert', { id: -0, name: 'zero' });

  expect(documentsOf(test.store)).toEqual([{ id: 0, name: 'zero' }, { id: 1 }, { id: '1' }]);
  expect(test.store.statistics(table).records).toBe(3);
});

test('a key with a character that the key encoding needs for itself is refused, and nothing is written', async () => {
  await using test = await TestStore.open();
  const table = await makeTable(test.store);

  for (const id of ['a\0', `${'k'.repeat(63)}\u0004`])
    await expect(write(test.store, 'insert', { id: 'fine' }, { id })).rejects.toMatchObject({
      code: 'invalid_key',
    });

  expect(test.store.statistics(table).records).toBe(0);
});

const shortKey: fc.Arbitrary<Key> = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((key) => !hasReservedCharacters(key)),
);
/** LMDB's binding encodes strings of 64 units and more by other code than shorter ones. */
const longKey = (...units: string[]) =>
  fc
    .tuple(
      fc.integer({ min: 50, max: 220 }),
      fc.string({ unit: fc.constantFrom(...units), minLength: 1, maxLength: 20 }),
    )
    .map(([length, text]) => 'k'.repeat(length) + text);

describe('whatever the keys', () => {
  test.each([
    ['short ones', shortKey],
    ['long ones', fc.oneof(shortKey, longKey('a', ' ', '\u001f', 'ü', '\uffff', '😀'))],
    ['long ones with control characters', longKey('a', '\u0005', '\u001f', '\u007f')],
  ])('every record is found under its key, listed and copied once: %s', async (_, key) => {
    await using test = await TestStore.open();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { maxLength: 8 }), async (keys) => {
        const table = await makeTable(test.store, `t${(round += 1)}`, ['tag']);
        const documents = keys.map((id) => ({ id, tag: 'x' }));
        await test.store.write({ table, operation: 'insert', documents });

        for (const id of keys) expect(test.store.get(table, id)).toMatchObject({ id });
        const expected = new Set(keys);
        const listed = [...test.store.search(table, {})].map(({ id }) => id);
        expect(listed).toHaveLength(keys.length);
        expect(new Set(listed)).toEqual(expected);
        const where = {
          operator: 'and' as const,
          conditions: [{ attribute: 'tag', comparator: 'equals' as const, value: 'x' }],
        };
        expect(new Set([...test.store.search(table, { where })].map(({ id }) => id))).toEqual(expected);
        const copied: Key[] = [];
        let after: Key | undefined;
        for (let page = 0; page <= keys.length; page += 1) {
          const { rows, lastKey, isLast } = test.store.copyRows(table, {
            after,
            maxBytes: 1e6,
            maxRows: 1,
            newerThan: 0,
            isEnough: () => false,
          });
          copied.push(...rows.map((row) => row.key));
          if (isLast) break;
          after = lastKey;
        }
        expect(copied).toEqual(listed);
      }),
      { numRuns: 80 },
    );
  });

  test('a key of 900 bytes fits beside the longest index value', async () => {
    await using test = await TestStore.open();
    for (const [index, unit] of ['a', '\u0005', 'ü', '€', '😀'].entries()) {
      const table = await makeTable(test.store, `t${index}`, ['tag']);
      const id = unit.repeat(900 / Buffer.byteLength(unit));

      await test.store.write({ table, operation: 'insert', documents: [{ id, tag: unit.repeat(300) }] });

      expect(withoutTimes(test.store.get(table, id) ?? {})).toEqual({ id, tag: unit.repeat(300) });
    }
  });
});

describe('any sequence of writes', () => {
  const id = fc.integer({ min: 0, max: 3 });
  const document = fc
    .tuple(
      id,
      fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 9 }), { noNullPrototype: true }),
    )
    .map(([key, values]): Document => ({ id: key, ...values }));
  const step = fc.oneof(
    fc.record({
      operation: fc.constantFrom<Operation[]>('insert', 'update', 'upsert'),
      documents: fc.array(document, { maxLength: 4 }),
    }),
    fc.record({ operation: fc.constant('delete' as const), keys: fc.array(id, { maxLength: 3 }) }),
  );

  test('does what a map would do, and counts right', async () => {
    await using test = await TestStore.open();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const table = await makeTable(test.store, `t${(round += 1)}`);
        const model = new Map<Key, Document>();
        for (const next of steps) {
          if (next.operation === 'delete') {
            await test.store.delete({ table, keys: next.keys });
            for (const key of next.keys) model.delete(key);
            continue;
          }
          await test.store.write({ table, operation: next.operation, documents: next.documents });
          for (const written of next.documents) {
            const key = written['id'] as Key;
            const before = model.get(key);
            if (before ? next.operation !== 'insert' : next.operation !== 'update')
              model.set(key, { ...before, ...written });
          }
        }

        const expected = [...model.entries()].toSorted(([a], [b]) => Number(a) - Number(b));
        expect(documentsOf(test.store, table)).toEqual(expected.map(([, value]) => value));
        expect(test.store.statistics(table).records).toBe(model.size);
        const bytes = rowsOf(test.store, table).reduce((sum, row) => sum + (row.bytes?.length ?? 0), 0);
        expect(test.store.statistics(table).sizeBytes).toBe(bytes);
      }),
      { numRuns: 80 },
    );
  });
});
