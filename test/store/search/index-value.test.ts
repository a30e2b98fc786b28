import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareIndexValues, indexEntriesOf, indexForm } from '../../../src/store/search/index-value.ts';

describe('the entries of a value', () => {
  test.each<[string, unknown, unknown[]]>([
    ['a scalar has one', 'a', ['a']],
    ['null has one', null, [null]],
    ['an absent value has none', undefined, []],
    ['an object has none', { a: 1 }, []],
    ['an array has one for each different scalar in it', ['a', 1, 'a', null, { a: 1 }, [2]], ['a', 1, null]],
    ['minus zero is zero', -0, [0]],
    ['zero and minus zero are one', [-0, 0], [0]],
    ['not-a-number has none', NaN, []],
    [
      'strings that are alike in 200 units share one',
      [`${'p'.repeat(200)}a`, `${'p'.repeat(200)}b`],
      ['p'.repeat(200)],
    ],
  ])('%s', (_, value, entries) => {
    expect(indexEntriesOf(value)).toEqual(entries);
  });
});

test('cutting strings keeps their order', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '😀', '\ufffd') });
  fc.assert(
    fc.property(text, text, fc.integer({ min: 1, max: 5 }), (a, b, units) => {
      const cut = compareIndexValues(indexForm(a, units), indexForm(b, units));

      expect([0, compareIndexValues(a, b)]).toContain(cut);
    }),
  );
});

test('values are ordered by type, then by value', () => {
  const ordered = [
    null,
    false,
    true,
    -Infinity,
    -1,
    0,
    2,
    10,
    Infinity,
    '',
    '\u0000',
    '10',
    '2',
    'B',
    'a',
    '\ufffd',
    '😀',
  ];

  expect(ordered.toReversed().toSorted(compareIndexValues)).toEqual(ordered);
});
