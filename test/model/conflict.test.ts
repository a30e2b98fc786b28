import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Origin, Stamp } from '../../src/model/change.ts';
import { compareContent, compareOrigins, compareStamps, judge } from '../../src/model/conflict.ts';

type Content = Stamp & { readonly bytes: Uint8Array | null };

const origin: fc.Arbitrary<Origin> = fc.record({
  name: fc.constantFrom('a', 'b', 'B', 'ab', 'é', '\uffff', '😀'),
  storeId: fc.constantFrom('1', '2', 'z'),
});
const stamp: fc.Arbitrary<Stamp> = fc.record({ version: fc.integer({ min: 1, max: 3 }), origin });
const bytes = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 2 }));
const content: fc.Arbitrary<Content> = fc
  .tuple(stamp, bytes)
  .map(([common, value]) => ({ ...common, bytes: value }));

/** What a store does with a change that arrives. */
function applied(stored: Content | undefined, incoming: Content): Content {
  const verdict = judge(incoming, stored);
  if (!stored || verdict === 'wins') return incoming;
  return verdict === 'forged' && compareContent(incoming.bytes, stored.bytes) > 0 ? incoming : stored;
}

function afterAll(changes: readonly Content[]): Content | undefined {
  return changes.reduce<Content | undefined>(applied, undefined);
}

/** What a total order may not do with three values; empty when it is one. */
function violations<T>(compare: (a: T, b: T) => number, [a, b, c]: readonly [T, T, T]): string[] {
  const found: string[] = [];
  if (Math.sign(compare(a, b)) !== -Math.sign(compare(b, a)) && compare(a, b) !== 0)
    found.push('not opposite');
  if (compare(a, a) !== 0) found.push('not itself');
  if (compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0) found.push('not transitive');
  if ((compare(a, b) === 0) !== (JSON.stringify(a) === JSON.stringify(b))) found.push('not total');
  return found;
}

describe('the order of stamps', () => {
  test('is total over origins', () => {
    fc.assert(
      fc.property(fc.tuple(origin, origin, origin), (values) => {
        expect(violations(compareOrigins, values)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('is total over stamps', () => {
    fc.assert(
      fc.property(fc.tuple(stamp, stamp, stamp), (values) => {
        expect(violations(compareStamps, values)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('is total over contents', () => {
    fc.assert(
      fc.property(fc.tuple(bytes, bytes, bytes), (values) => {
        expect(violations(compareContent, values)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('puts the version before the origin', () => {
    const low = { version: 1, origin: { name: 'z', storeId: 'z' } };
    const high = { version: 2, origin: { name: 'a', storeId: 'a' } };

    expect(compareStamps(low, high)).toBe(-1);
  });

  test('puts the name before the store id, both by UTF-8 bytes', () => {
    expect(compareOrigins({ name: 'a', storeId: 'z' }, { name: 'b', storeId: 'a' })).toBe(-1);
    // By UTF-16 units the first would be the greater one.
    expect(compareOrigins({ name: '\uffff', storeId: '' }, { name: '😀', storeId: '' })).toBe(-1);
  });

  test('puts a delete below any content', () => {
    expect(compareContent(null, new Uint8Array())).toBe(-1);
    expect(compareContent(null, null)).toBe(0);
  });
});

describe('applying changes of one record', () => {
  const changes = fc.array(content, { minLength: 1, maxLength: 8 });
  const orders = changes.chain((list) =>
    fc.tuple(
      fc.constant(list),
      fc.shuffledSubarray(list, { minLength: list.length }),
      fc.array(fc.constantFrom(...list), { maxLength: 6 }),
    ),
  );

  test('gives the same winner in any order, however often a change arrives', () => {
    fc.assert(
      fc.property(orders, ([list, shuffled, again]) => {
        expect(afterAll([...shuffled, ...again])).toEqual(afterAll(list));
      }),
      { numRuns: 5000 },
    );
  });

  test('gives the highest of (version, origin), and of the contents that claim it', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const highest = list
          .toSorted((a, b) => compareStamps(a, b) || compareContent(a.bytes, b.bytes))
          .at(-1);

        expect(afterAll(list)).toEqual(highest);
      }),
      { numRuns: 5000 },
    );
  });

  test('a change that arrives again is the same, one with other bytes is forged', () => {
    const change = { version: 1, origin: { name: 'a', storeId: '1' }, bytes: Uint8Array.of(1) };

    expect(judge({ ...change, bytes: Uint8Array.of(1) }, change)).toBe('same');
    expect(judge({ ...change, bytes: Uint8Array.of(0) }, change)).toBe('forged');
    expect(judge({ ...change, bytes: null }, change)).toBe('forged');
  });

  test('a newer delete wins over content, an older one loses', () => {
    const stored = { version: 5, origin: { name: 'b', storeId: '1' }, bytes: Uint8Array.of(1) };

    expect(judge({ ...stored, version: 6, bytes: null }, stored)).toBe('wins');
    expect(judge({ ...stored, version: 4, bytes: null }, stored)).toBe('loses');
  });
});
