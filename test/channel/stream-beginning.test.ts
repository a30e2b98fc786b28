import { expect, test } from 'vitest';
import type { WireCursor } from '../../src/channel/wire-fields.ts';
import { streamBeginning } from '../../src/channel/stream-beginning.ts';
import { makeTable, tableOf, TestStore, upsert } from '../store/test-store.ts';

/** A table with ten transactions of some 1,000 bytes each. */
async function openTen(): Promise<TestStore> {
  const test = await TestStore.open();
  await makeTable(test.store);
  for (let id = 1; id <= 10; id += 1) await upsert(test.store, { id, text: 'x'.repeat(1_000) });
  return test;
}

function cursorAt({ store }: TestStore, seq: number): WireCursor {
  const { id, incarnation } = tableOf(store);
  return { storeId: store.identity.storeId, incarnation, seq, id: store.log.idAt(id, seq) ?? '' };
}

function beginning(
  { store }: TestStore,
  told: readonly WireCursor[],
  maxBytes = 1 << 30,
): number | undefined {
  return streamBeginning(store, tableOf(store), told, maxBytes);
}

test('a stream begins where the subscriber is that is furthest behind', async () => {
  await using ten = await openTen();

  expect(beginning(ten, [])).toBeUndefined();
  expect(
    beginning(
      ten,
      [7, 3, 10].map((seq) => cursorAt(ten, seq)),
    ),
  ).toBe(3);
  expect(beginning(ten, [cursorAt(ten, 10)])).toBe(10);
  expect(beginning(ten, [cursorAt(ten, 0)])).toBe(0);
});

test('nobody counts who is in another history, or has to copy', async () => {
  await using ten = await openTen();
  const place = cursorAt(ten, 2);

  const others = [
    { ...place, storeId: 'another store' },
    { ...place, incarnation: 'another table' },
    { ...place, id: 'another transaction' },
    { ...place, seq: 11 },
  ];
  for (const other of others) expect(beginning(ten, [other])).toBeUndefined();
  expect(beginning(ten, [...others, cursorAt(ten, 8)])).toBe(8);

  const table = tableOf(ten.store);
  await ten.store.purgeChannel(table, { keep: 4 });
  expect(beginning(ten, [place])).toBeUndefined();
  expect(beginning(ten, [place, cursorAt(ten, 6)])).toBe(6);
});

test('a stream begins no further back than it can hold', async () => {
  await using ten = await openTen();

  expect(beginning(ten, [cursorAt(ten, 2)], 3_500)).toBe(7);
  expect(beginning(ten, [cursorAt(ten, 8)], 3_500)).toBe(8);
  expect(beginning(ten, [cursorAt(ten, 2)], 500)).toBe(10);
});
