import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sortWithPauses } from '../../../src/store/search/sort-with-pauses.ts';

interface Item {
  readonly value: number;
  readonly place: number;
}

const byValue = (a: Item, b: Item): number => a.value - b.value;

test('sorting in turns gives what sorting at once does, equal items as they came', () => {
  const values = fc.array(fc.nat(50), { minLength: 0, maxLength: 20_000, size: 'max' });
  fc.assert(
    fc.property(values, (drawn) => {
      const items = drawn.map((value, place): Item => ({ value, place }));

      const { sorted } = sort(items);

      expect(sorted).toEqual(items.toSorted(byValue));
    }),
    { numRuns: 30 },
  );
});

test('no stretch between two pauses compares more than a fraction of a large sort', () => {
  const items = Array.from({ length: 200_000 }, (_, place): Item => ({
    value: (place * 7_919) % 65_536,
    place,
  }));

  const { compared } = sort(items);

  expect(Math.max(...compared)).toBeLessThan(60_000);
  expect(compared.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(2_000_000);
});

/** What comes out, and how many comparisons there were from each pause to the next. */
function sort(items: readonly Item[]): { readonly sorted: readonly Item[]; readonly compared: number[] } {
  const compared: number[] = [0];
  const sorting = sortWithPauses(items, (a, b) => {
    compared.push((compared.pop() ?? 0) + 1);
    return byValue(a, b);
  });
  for (;;) {
    const { done, value } = sorting.next();
    if (done === true) return { sorted: value, compared };
    compared.push(0);
  }
}
