import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys, hasReservedCharacters, type Key } from '../../src/model/change.ts';
import { makeTable, rowsOf, TestStore, upsert } from './test-store.ts';

const key: fc.Arbitrary<Key> = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
  fc.constantFrom('a', 'aa', 'ab', '\u{ffff}', '\u{10000}', 'é', '~', '1', '-1', '\u0005'),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);

test('keys are compared as the store orders them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { minLength: 2, maxLength: 60 }), async (drawn) => {
      const keys = drawn.filter((value) => typeof value === 'number' || !hasReservedCharacters(value));
      await using test = await TestStore.open();
      const table = await makeTable(test.store);
      await upsert(test.store, ...keys.map((id) => ({ id })));

      expect(rowsOf(test.store, table).map(({ key: stored }) => stored)).toEqual(keys.toSorted(compareKeys));
    }),
    { numRuns: 25 },
  );
});
