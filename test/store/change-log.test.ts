import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maintain, makeTable, numbersOf, tableOf, TestStore, upsert } from './test-store.ts';

describe('trimming', () => {
  test('by age keeps the number and id of the last trimmed transaction', async () => {
    let nowMs = 1_800_000_000_000;
    await using test = await TestStore.open({ now: () => nowMs, logMaxAgeMs: 1_000 });
    const table = await makeTable(test.store);
    for (const id of [1, 2, 3]) await upsert(test.store, { id });
    nowMs += 500;
    for (const id of [4, 5]) await upsert(test.store, { id });
    const numbers = numbersOf(test.store);

    nowMs += 700;
    await maintain(test.store);

    expect(numbersOf(test.store)).toEqual(numbers.slice(3));
    expect(test.store.log.head(table.id)).toEqual(
      expect.objectContaining({
        headSeq: 5,
        headId: numbers[4]?.id,
        trimmedSeq: 3,
        trimmedId: numbers[2]?.id,
      }),
    );
    expect(test.store.log.idAt(table.id, 3)).toBe(numbers[2]?.id);
    expect(test.store.log.idAt(table.id, 2)).toBeUndefined();
    expect(test.store.log.idAt(table.id, 4)).toBe(numbers[3]?.id);
    await test.reopen();
    expect(test.store.log.idAt(table.id, 3)).toBe(numbers[2]?.id);
  });

  test('of everything leaves a channel that goes on counting', async () => {
    let nowMs = 1_800_000_000_000;
    await using test = await TestStore.open({ now: () => nowMs, logMaxAgeMs: 1_000 });
    const table = await makeTable(test.store);
    for (const id of [1, 2, 3]) await upsert(test.store, { id });
    const [, , last] = numbersOf(test.store);

    nowMs += 2_000;
    await maintain(test.store);

    expect(numbersOf(test.store)).toEqual([]);
    expect(test.store.log.idAt(table.id, 3)).toBe(last?.id);
    expect(test.store.log.idAt(table.id, 0)).toBeUndefined();
    expect(test.store.statistics(table).logSizeBytes).toBe(0);
    await upsert(test.store, { id: 4 });
    expect(numbersOf(test.store).map(({ seq }) => seq)).toEqual([4]);
  });

  test('by size brings the log under its limit, oldest first', async () => {
    await using test = await TestStore.open({ logMaxBytes: 20_000 });
    const tables = [await makeTable(test.store, 'dog'), await makeTable(test.store, 'cat')];
    for (let id = 0; id < 40; id += 1)
      for (const table of tables)
        await test.store.write({ table, operation: 'upsert', documents: [{ id, text: 'x'.repeat(500) }] });

    await maintain(test.store);

    const size = test.store.statistics(tableOf(test.store)).logSizeBytes;
    expect(size).toBeLessThanOrEqual(20_000);
    expect(size).toBeGreaterThan(18_000);
    for (const table of tables) {
      const { headSeq, trimmedSeq } = test.store.log.head(table.id);
      expect(headSeq).toBe(40);
      const numbers = numbersOf(test.store, table).map(({ seq }) => seq);
      expect(numbers).toEqual(Array.from({ length: 40 - trimmedSeq }, (_, index) => trimmedSeq + 1 + index));
    }
    const bytes = (await test.dump())['log']?.reduce(
      (sum, line) => sum + (line.split(' = ')[1]?.length ?? 0) / 2,
      0,
    );
    expect(size).toBe(bytes);
  });
});

describe('purging a channel', () => {
  test('keeps the newest, or everything from a number on, and touches no other channel', async () => {
    await using test = await TestStore.open();
    const dog = await makeTable(test.store, 'dog');
    const cat = await makeTable(test.store, 'cat');
    for (let id = 0; id < 10; id += 1)
      for (const table of [dog, cat])
        await test.store.write({ table, operation: 'upsert', documents: [{ id }] });
    const dogs = numbersOf(test.store, dog);
    const cats = numbersOf(test.store, cat);

    expect(await test.store.purgeChannel(dog, { keep: 7 })).toEqual({ purged: 3 });
    expect(numbersOf(test.store, dog)).toEqual(dogs.slice(3));
    expect(await test.store.purgeChannel(dog, { beforeSeq: 6 })).toEqual({ purged: 2 });
    expect(numbersOf(test.store, dog)).toEqual(dogs.slice(5));
    expect(await test.store.purgeChannel(dog, { beforeSeq: 2 })).toEqual({ purged: 0 });
    expect(await test.store.purgeChannel(dog, { keep: 50 })).toEqual({ purged: 0 });
    expect(numbersOf(test.store, dog)).toEqual(dogs.slice(5));
    expect(await test.store.purgeChannel(dog, {})).toEqual({ purged: 5 });

    expect(numbersOf(test.store, dog)).toEqual([]);
    expect(test.store.log.head(dog.id)).toMatchObject({ trimmedSeq: 10, trimmedId: dogs[9]?.id });
    expect(numbersOf(test.store, cat)).toEqual(cats);
    expect([...test.store.search(dog, {})]).toHaveLength(10);
  });

  test('beyond the head ends at the head', async () => {
    await using test = await TestStore.open();
    const dog = await makeTable(test.store);
    await upsert(test.store, { id: 1 });

    expect(await test.store.purgeChannel(dog, { beforeSeq: 99 })).toEqual({ purged: 1 });
    await upsert(test.store, { id: 2 });
    expect(numbersOf(test.store).map(({ seq }) => seq)).toEqual([2]);
  });
});

test('whatever is written and trimmed, the log of a channel is one dense stretch up to its head', async () => {
  let nowMs = 1_800_000_000_000;
  await using test = await TestStore.open({ now: () => nowMs, logMaxAgeMs: 100 });
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), table: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(120) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('purge' as const), table: fc.nat(1), keep: fc.nat(4) }),
    },
  );
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      round += 1;
      const tables = [await makeTable(test.store, `a${round}`), await makeTable(test.store, `b${round}`)];
      const ids: string[][] = [[''], ['']];
      for (const next of steps) {
        if (next.kind === 'wait') {
          nowMs += next.ms;
          await maintain(test.store);
          continue;
        }
        const table = tables[next.table] ?? tableOf(test.store);
        if (next.kind === 'purge') await test.store.purgeChannel(table, { keep: next.keep });
        else {
          await test.store.write({ table, operation: 'upsert', documents: [{ id: 1 }] });
          ids[next.table]?.push(test.store.log.head(table.id).headId);
        }
      }

      for (const [index, table] of tables.entries()) {
        const known = ids[index] ?? [];
        const { headSeq, headId, trimmedSeq, trimmedId } = test.store.log.head(table.id);
        expect([headSeq, headId]).toEqual([known.length - 1, known.at(-1)]);
        expect(trimmedId).toBe(known[trimmedSeq]);
        expect(numbersOf(test.store, table).map(({ id }) => id)).toEqual(known.slice(trimmedSeq + 1));
        for (let seq = 0; seq < known.length; seq += 1)
          expect(test.store.log.idAt(table.id, seq)).toBe(seq < trimmedSeq ? undefined : known[seq]);
      }
    }),
    { numRuns: 40 },
  );
});
