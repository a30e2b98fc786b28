import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Endurance } from '../../src/model/endurance.ts';
import type { Store } from '../../src/store/store.ts';
import { makeTable, TestStore, upsert } from './test-store.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Bytes of changes that a subscriber would read after a number. */
function bytesAfter(store: Store, tableId: number, seq: number): number {
  let bytes = 0;
  for (const { entry } of store.log.readChannel(tableId, seq))
    for (const part of entry.parts) if (part.tableId === tableId) bytes += part.changes.length;
  return bytes;
}

describe('what waits', () => {
  const tables = ['dog', 'cat'] as const;
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ write: fc.subarray([...tables], { minLength: 1 }), size: fc.nat(400) }),
    },
    { weight: 1, arbitrary: fc.record({ purge: fc.constantFrom(...tables), keep: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );

  test('is the sum of what a subscriber would have to read, whatever was written and trimmed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await using t = await TestStore.open();
        const [dog, cat] = [await makeTable(t.store, 'dog'), await makeTable(t.store, 'cat')];
        const of = { dog, cat };
        for (const one of steps)
          if (one === 'restart') await t.reopen();
          else if ('purge' in one) await t.store.purgeChannel(of[one.purge], { keep: one.keep });
          else
            await t.store.transact(
              one.write.map((name) => ({
                table: of[name],
                operation: 'upsert' as const,
                documents: [{ id: 1, text: 'x'.repeat(one.size) }],
              })),
              undefined,
            );

        for (const { id } of [dog, cat]) {
          const { headSeq, trimmedSeq } = t.store.log.head(id);
          for (let seq = trimmedSeq; seq <= headSeq; seq += 1)
            expect(t.store.endurance.of(id, seq).waiting).toEqual({
              transactions: headSeq - seq,
              bytes: bytesAfter(t.store, id, seq),
            });
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('how long a subscriber may stay away', () => {
  /** Writes about `bytes` bytes of log every hour for so many hours, and goes on to the end of the last. */
  async function write(
    clock: { nowMs: number },
    store: Store,
    options: { readonly hours: number; readonly bytes: number },
  ): Promise<void> {
    for (let hour = 0; hour < options.hours; hour += 1) {
      await upsert(store, { id: 1, text: 'x'.repeat(options.bytes) });
      clock.nowMs += hourMs;
    }
  }

  function of(store: Store, seq: number): Endurance {
    const table = store.catalog.table('dev', 'dog');
    if (!table) throw new Error('There is no table dev.dog');
    return store.endurance.of(table.id, seq);
  }

  test('is what is left of the age of the first transaction that it lacks, while the log is small', async () => {
    const clock = { nowMs: 1_800_000_000_000 };
    await using t = await TestStore.open({ now: () => clock.nowMs, logMaxAgeMs: 10 * dayMs });
    await makeTable(t.store);
    expect(of(t.store, 0)).toMatchObject({ mayStayAwayMs: 10 * dayMs, state: 'enough' });

    await write(clock, t.store, { hours: 7 * 24, bytes: 10 });

    expect(of(t.store, 0)).toMatchObject({ mayStayAwayMs: 3 * dayMs, state: 'enough' });
    clock.nowMs += dayMs + 1;
    expect(of(t.store, 0)).toMatchObject({ mayStayAwayMs: 2 * dayMs - 1, state: 'short' });
    expect(of(t.store, 24)).toMatchObject({ mayStayAwayMs: 3 * dayMs - 1, state: 'enough' });
    expect(of(t.store, 168)).toMatchObject({ mayStayAwayMs: 10 * dayMs, state: 'enough' });
  });

  test('is how long the log takes to fill behind that transaction, by the growth of the last day', async () => {
    const clock = { nowMs: 1_800_000_000_000 };
    await using t = await TestStore.open({ now: () => clock.nowMs, logMaxBytes: 1_000_000 });
    const { id } = await makeTable(t.store);
    // A week of little, then a day of 10 kB an hour: what counts is the day, also after a restart.
    await write(clock, t.store, { hours: 7 * 24, bytes: 10 });
    await write(clock, t.store, { hours: 24, bytes: 10_000 });
    await t.reopen();

    const full = t.store.endurance.fullMs;
    expect(full / hourMs).toBeGreaterThan(96);
    expect(full / hourMs).toBeLessThan(100);
    const { waiting, growthBytesPerDay = 0, mayStayAwayMs, state } = of(t.store, 7 * 24);
    expect(waiting).toEqual({ transactions: 24, bytes: bytesAfter(t.store, id, 7 * 24) });
    expect(growthBytesPerDay).toBe(bytesAfter(t.store, id, 7 * 24));
    expect((full - mayStayAwayMs) / hourMs).toBeGreaterThan(23.9);
    expect((full - mayStayAwayMs) / hourMs).toBeLessThan(24.1);
    expect(state).toBe('enough');
  });

  test('counts other channels, which fill the same log', async () => {
    const clock = { nowMs: 1_800_000_000_000 };
    await using t = await TestStore.open({ now: () => clock.nowMs, logMaxBytes: 100_000 });
    await makeTable(t.store);
    const cat = await makeTable(t.store, 'cat');
    await upsert(t.store, { id: 1 });
    await t.store.write({
      table: cat,
      operation: 'upsert',
      documents: [{ id: 1, text: 'x'.repeat(80_000) }],
    });
    clock.nowMs += dayMs / 2;

    const { waiting, growthBytesPerDay = 0, mayStayAwayMs } = of(t.store, 0);
    expect(waiting.bytes).toBeLessThan(200);
    expect(growthBytesPerDay).toBe(2 * (waiting.bytes ?? 0));
    expect(mayStayAwayMs / hourMs).toBeGreaterThan(2);
    expect(mayStayAwayMs / hourMs).toBeLessThan(3);
  });

  test('is not judged by the first minute alone', async () => {
    const clock = { nowMs: 1_800_000_000_000 };
    await using t = await TestStore.open({ now: () => clock.nowMs, logMaxBytes: 1_000_000 });
    const { id } = await makeTable(t.store);

    await upsert(t.store, { id: 1, text: 'x'.repeat(10_000) });
    clock.nowMs += 1_000;

    const { growthBytesPerDay, mayStayAwayMs } = of(t.store, 1);
    expect(growthBytesPerDay).toBe(24 * bytesAfter(t.store, id, 0));
    expect(mayStayAwayMs).toBeGreaterThan(3 * dayMs);
  });

  test('is nothing once the log has overtaken it', async () => {
    await using t = await TestStore.open();
    const table = await makeTable(t.store);
    for (const id of [1, 2, 3]) await upsert(t.store, { id });
    await t.store.purgeChannel(table, { keep: 1 });

    expect(of(t.store, 1)).toMatchObject({
      mayStayAwayMs: 0,
      state: 'overtaken',
      waiting: { transactions: 2 },
    });
    expect(of(t.store, 2)).toMatchObject({ state: 'enough', waiting: { transactions: 1 } });
    expect(of(t.store, 2).mayStayAwayMs).toBeGreaterThan(0);
  });
});
