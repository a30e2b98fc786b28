import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvKey, csvValue } from '../../../src/operation/job/csv-value.ts';

test.each([
  ['1', 1],
  ['-2.50', -2.5],
  [' 7 ', 7],
  ['0', 0],
  ['-0', 0],
  ['0.5', 0.5],
  ['1e+21', 1e21],
  ['true', true],
  ['FALSE', false],
  ['null', null],
  ['{"a": [1]}', { a: [1] }],
  ['[]', []],
  ['2024-02-03T04:05:06Z', '2024-02-03T04:05:06.000Z'],
  ['2024-02-03T06:05:06.7+02:00', '2024-02-03T04:05:06.700Z'],
])('%j becomes %j', (cell, expected) => {
  expect(csvValue(cell)).toEqual(expected);
});

test.each([
  '',
  ' ',
  '011',
  '00011',
  '1e5',
  '0x10',
  'Infinity',
  'NaN',
  '12345678901234567890',
  '1.',
  'True',
  '{a}',
  '[1',
  '2024-02-03',
  '2024-02-03T04:05:06',
  '2024-02-03T04:05:06.123456Z',
  '2024-99-03T04:05:06Z',
  '__proto__',
  '{"half": "\\ud800"}',
  '{"large": 1e999}',
  '[{"__proto__": {"x": 1}}]',
  '{"constructor": {"prototype": 1}}',
])('%j stays a text', (cell) => {
  expect(csvValue(cell)).toBe(cell);
});

test('a long cell that begins like a moment is read once, not once for each T', () => {
  const cell = `2024-${'T+00'.repeat(100_000)}`;

  expect(csvValue(cell)).toBe(cell);
});

test('a key is a number or a text and nothing else', () => {
  expect(['1', '01', 'true', '[1]', '2024-02-03T04:05:06Z'].map(csvKey)).toEqual([
    1,
    '01',
    'true',
    '[1]',
    '2024-02-03T04:05:06Z',
  ]);
});

test('whatever a number is, its text becomes that number again or stays a text that says the same', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (number) => {
      const value = csvValue(String(number));

      expect(Number(value)).toBe(number === 0 ? 0 : number);
      if (Number.isFinite(number)) expect(typeof value).toBe('number');
    }),
  );
});
