import fc from 'fast-check';

/**
 * Stands in a body for a text of JSON that `JSON.stringify` cannot write: too deep, too wide, or a number that
 * JavaScript has not got. See `encodeJson`. In MessagePack and CBOR it is just one more odd string.
 */
const literals: Readonly<Record<string, string>> = {
  deep1000: '['.repeat(1_000) + ']'.repeat(1_000),
  deepObject1000: '{"a":'.repeat(1_000) + '1' + '}'.repeat(1_000),
  deep100000: '['.repeat(100_000) + ']'.repeat(100_000),
  deepObject100000: '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000),
  deep200: '['.repeat(200) + ']'.repeat(200),
  deep250: '['.repeat(250) + ']'.repeat(250),
  deepGroups: `${'{"operator":"and","conditions":['.repeat(120)}{"attribute":"id","comparator":"equals","value":1}${']}'.repeat(120)}`,
  deepSort: '{"attribute":"id","next":'.repeat(240) + '{"attribute":"id"}' + '}'.repeat(240),
  wide10000: `{${Array.from({ length: 10_000 }, (_, index) => `"a${index}":${index}`).join(',')}}`,
  long10000: `[${'1,'.repeat(9_999)}1]`,
  infinite: '1e400',
  minusInfinite: '-1e400',
  beyond: '9007199254740993',
  digits: '1'.repeat(400),
  minusZero: '-0',
};

const mark = '\u2603literal:';

export function literal(name: string): string {
  return mark + name;
}

/** A body as JSON, with its literals written out. */
export function encodeJson(body: unknown): string {
  const text = JSON.stringify(body) ?? '';
  if (!text.includes(mark)) return text;
  return text.replaceAll(/"\u2603literal:(\w+)"/g, (_, name: string) => literals[name] ?? 'null');
}

/** Names that break something somewhere. */
export const hostileNames = [
  '',
  ' ',
  '.',
  '..',
  '*',
  '%',
  'a/b',
  'a`b',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '\0',
  'a\0b',
  '\ud800',
  'a\udc00b',
  '\u{1f600}',
  '\u202e',
  '\ufeff',
  'x'.repeat(250),
  'x'.repeat(251),
  'ü'.repeat(126),
  'x'.repeat(5_000),
  'null',
  'undefined',
  'NaN',
  '0',
  '1e3',
  "'; DROP TABLE dev.dog; --",
  'system',
  'hdb_user',
  'hdb_nodes',
  'DEV',
] as const;

export const hostileName: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<string>(...hostileNames) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);

/** Values that no field expects. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileName },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -0,
      -1,
      1.5,
      2 ** 53,
      -(2 ** 53) - 2,
      1e308,
      5e-324,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      [],
      {},
      [[]],
      [null],
      [{}],
      { toString: 1 },
      [{ toString: null, valueOf: null }],
      { length: -1 },
      { length: { toString: 1 } },
      { constructor: { name: 1 } },
      { constructor: { prototype: {} } },
      Object.fromEntries([['__proto__', { polluted: true }]]),
      { hasOwnProperty: 1, id: 1 },
      { operation: 'drop_database' },
      { $gt: '' },
      JSON.parse('{"then":1}'),
      { conditions: null },
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(...Object.keys(literals)).map(literal) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);
