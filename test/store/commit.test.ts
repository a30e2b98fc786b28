import { describe, expect, test } from 'vitest';
import type { Table } from '../../src/model/table.ts';
import { documentsOf, makeTable, numbersOf, tableOf, TestStore, upsert } from './test-store.ts';

const big = 'x'.repeat(2_000);

describe('a failed commit', () => {
  test('leaves neither a record nor a log entry nor a number nor a change of the catalog', async () => {
    await using test = await TestStore.open({ maxTransactionBytes: 1_000 });
    const table = await makeTable(test.store, 'dog', ['name']);
    await upsert(test.store, { id: 1, name: 'rex' });
    const before = await test.dump();

    const failed = test.store.write({
      table,
      operation: 'upsert',
      documents: [{ id: 1, name: 'max', colour: 'brown' }, { id: 2 }, { id: 3, big }],
    });

    await expect(failed).rejects.toMatchObject({ code: 'too_large' });
    expect(await test.dump()).toEqual(before);
    expect(tableOf(test.store).attributes.map(({ name }) => name)).not.toContain('colour');
  });

  test('is refused with `too_large`, also when each record is small', async () => {
    await using test = await TestStore.open({ maxTransactionBytes: 1_000 });
    const table = await makeTable(test.store);
    const before = await test.dump();
    const documents = Array.from({ length: 50 }, (_, id) => ({ id, text: 'x'.repeat(50) }));

    await expect(test.store.write({ table, operation: 'insert', documents })).rejects.toMatchObject({
      code: 'too_large',
    });
    expect(await test.dump()).toEqual(before);
  });

  test('is refused with `too_large` where only its keys are large, also when it deletes', async () => {
    await using test = await TestStore.open({ maxTransactionBytes: 1_000 });
    const table = await makeTable(test.store);
    const keys = Array.from({ length: 4 }, (_, id) => String(id).padEnd(400, '.'));
    for (const id of keys) await upsert(test.store, { id });

    await expect(test.store.delete({ table, keys })).rejects.toMatchObject({ code: 'too_large' });

    expect(documentsOf(test.store)).toHaveLength(4);
  });

  test('of an invalid key in the middle changes nothing', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store);
    const before = await test.dump();

    for (const id of [null, true, {}, 'k'.repeat(901), Number.NaN])
      await expect(
        test.store.write({ table, operation: 'insert', documents: [{ id: 1 }, { id }, { id: 2 }] }),
      ).rejects.toMatchObject({ code: 'invalid_key' });

    expect(await test.dump()).toEqual(before);
  });

  test('does no harm to commits that share its flush', async () => {
    await using test = await TestStore.open({ maxTransactionBytes: 1_000 });
    const table = await makeTable(test.store);
    // Of this store nothing has been written yet: even its own name is new to it.
    const results = await Promise.allSettled(
      [0, 1, 2, 3].map(async (id) =>
        test.store.write({
          table,
          operation: 'insert',
          documents: [{ id }, ...(id % 2 === 0 ? [{ id: `too large ${id}`, big }] : [])],
        }),
      ),
    );

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(documentsOf(test.store)).toEqual([{ id: 1 }, { id: 3 }]);
    await test.reopen();
    expect(documentsOf(test.store)).toEqual([{ id: 1 }, { id: 3 }]);
    expect(numbersOf(test.store).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test('takes back who the store was after a commit that it takes along', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store);

    const [, written, failed] = await Promise.allSettled([
      test.store.redrawIdentity(),
      upsert(test.store, { id: 1 }),
      test.store.skipQuarantined('none'),
    ]);

    expect(written.status).toBe('fulfilled');
    expect(failed.status).toBe('rejected');
    const { storeId } = test.store.identity;
    expect(test.store.rowsOf(table, [1]).rows[0]?.origin.storeId).toBe(storeId);
    await test.reopen();
    expect(test.store.identity.storeId).toBe(storeId);
  });

  test('that created a table does not show it to commits that share its flush', async () => {
    await using test = await TestStore.open({ maxTransactionBytes: 1_000 });
    const dog = await makeTable(test.store);

    const results = await Promise.allSettled([
      test.store.write({
        table: dog,
        operation: 'insert',
        documents: [
          { id: 1, colour: 'red' },
          { id: 2, big },
        ],
      }),
      test.store.catalog.createDatabase('other'),
      test.store.write({ table: dog, operation: 'insert', documents: [{ id: 3, colour: 'red' }] }),
      test.store.catalog.createAttribute('dev', 'dog', { name: 'size', indexed: false }),
    ]);

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    const names = ['id', '__createdtime__', '__updatedtime__', 'colour', 'size'];
    expect(tableOf(test.store).attributes.map(({ name }) => name)).toEqual(names);
    await test.reopen();
    expect(tableOf(test.store).attributes.map(({ name }) => name)).toEqual(names);
    expect(tableOf(test.store).attributes.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('a commit', () => {
  test('writes record, log entry and number, and they are there after a restart', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);

    await upsert(test.store, { id: 1 });
    await upsert(test.store, { id: 2 }, { id: 3 });

    const numbers = numbersOf(test.store);
    expect(numbers.map(({ seq }) => seq)).toEqual([1, 2]);
    await test.reopen();
    expect(numbersOf(test.store)).toEqual(numbers);
    expect(documentsOf(test.store)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  test('numbers of a channel are dense, whatever fails, in whichever table, at the same time', async () => {
    await using test = await TestStore.open({ maxTransactionBytes: 1_000 });
    const tables = [await makeTable(test.store, 'dog'), await makeTable(test.store, 'cat')];

    await Promise.allSettled(
      Array.from({ length: 60 }, async (_, index) =>
        test.store.write({
          table: tables[index % 2] ?? tableOf(test.store),
          operation: 'upsert',
          documents: index % 5 === 0 ? [{ id: index, big }] : [{ id: index % 7 }],
        }),
      ),
    );

    for (const table of tables) {
      const numbers = numbersOf(test.store, table);
      expect(numbers.map(({ seq }) => seq)).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
      expect(new Set(numbers.map(({ id }) => id)).size).toBe(24);
      expect(test.store.log.head(table.id)).toMatchObject({ headSeq: 24, headId: numbers.at(-1)?.id });
    }
    expect([...Array(48).keys()].map((index) => test.store.log.at(index + 1)?.position)).toEqual(
      Array.from({ length: 48 }, (_, index) => index + 1),
    );
  });

  test('counts with those before and after it in its transaction, whether it shares their counters or not', async () => {
    await using test = await TestStore.open();
    const dog = await makeTable(test.store, 'dog');
    const cat = await makeTable(test.store, 'cat');
    const put = async (table: Table, ...ids: number[]): Promise<unknown> =>
      test.store.write({ table, operation: 'upsert', documents: ids.map((id) => ({ id })) });

    await Promise.all([
      put(dog, 1, 2),
      put(cat, 1),
      test.store.purgeChannel(cat, { beforeSeq: 2 }),
      test.store.delete({ table: dog, keys: [1] }),
      test.store.catalog.createAttribute('dev', 'dog', { name: 'size', indexed: false }),
      put(dog, 3),
      put(cat, 2),
    ]);

    expect(test.store.statistics(dog)).toMatchObject({ records: 2, tombstones: 1 });
    expect(test.store.statistics(cat)).toMatchObject({ records: 2, tombstones: 0 });
    expect(numbersOf(test.store, dog).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(test.store.log.head(dog.id)).toMatchObject({ headSeq: 3, trimmedSeq: 0 });
    expect(test.store.log.totals().position).toBe(5);
    const before = await test.dump();
    await test.reopen();
    expect(test.store.log.totals().position).toBe(5);
    expect((await test.dump())['tableStates']).toEqual(before['tableStates']);
  });

  test('that changes nothing logs nothing', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store);
    await upsert(test.store, { id: 1 });
    const before = await test.dump();

    await test.store.write({ table, operation: 'insert', documents: [{ id: 1, name: 'rex' }] });
    await test.store.write({ table, operation: 'update', documents: [{ id: 2, name: 'rex' }] });
    await test.store.delete({ table, keys: [2, 'no'] });

    expect(await test.dump()).toEqual(before);
  });
});

describe('the clock', () => {
  test('goes on after a restart with the wall clock an hour behind', async () => {
    let nowMs = 1_800_000_000_000;
    await using test = await TestStore.open({ now: () => nowMs });
    await makeTable(test.store);
    const first = await upsert(test.store, { id: 1 });

    nowMs -= 3_600_000;
    await test.reopen();
    const second = await upsert(test.store, { id: 2 });
    const third = await upsert(test.store, { id: 1, name: 'rex' });

    expect(first).toBeGreaterThanOrEqual(1_800_000_000_000_000);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
  });

  test('gives every commit its own version, however many there are at once', async () => {
    await using test = await TestStore.open({ now: () => 1_800_000_000_000 });
    await makeTable(test.store);

    const versions = await Promise.all(
      Array.from({ length: 40 }, async (_, id) => upsert(test.store, { id })),
    );

    expect(new Set(versions).size).toBe(40);
    expect(versions.toSorted((a, b) => a - b)).toEqual(versions);
  });
});
