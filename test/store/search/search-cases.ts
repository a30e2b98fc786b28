import fc from 'fast-check';
import type { Document } from '../../../src/model/change.ts';
import { comparators } from '../../../src/model/query.ts';
import type { Condition, ConditionGroup, Query, Sort } from '../../../src/model/query.ts';

/** One table, the attributes that have an index, and a query. */
export interface SearchCase {
  readonly documents: readonly Document[];
  readonly indexed: readonly string[];
  readonly query: Query;
}

const attributes = ['a', 'b', 'c'];
/** As long as what an index holds of a string: what follows is beyond its sight. */
const long = 'p'.repeat(200);

const number = fc.constantFrom(-1, 0, 1, 2, 5, 10, 0.5, 1e300, Infinity, -Infinity);
const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '0',
    '1',
    '.',
    '..',
    'a',
    'ab',
    'abc',
    'b',
    'B',
    'é',
    '\u0000',
    'a\u0000',
    'a\uffff',
  ),
  fc.constantFrom(
    '\ud7ff',
    '\ue000',
    '😀',
    '😁',
    '\ufffd',
    long.slice(1),
    long,
    `${long}a`,
    `${long}b`,
    `${long}bc`,
  ),
  fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b', '\uffff', '😀') }),
);
const scalar = fc.oneof(number, text, fc.constantFrom(null, true, false));
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom({ a: 1 }, [{ a: 1 }], [[1]], [null]) },
);

const key = fc.oneof(
  fc.integer({ min: -2, max: 12 }),
  fc.constantFrom('0', '1', '011', '00011', 'a', `${long}a`, `${long}b`),
);
const document = fc
  .tuple(key, fc.record({ a: value, b: value, c: value }, { requiredKeys: [] }))
  .map(([id, values]): Document => ({ id, ...values }));

const attribute = fc.constantFrom('id', 'absent', ...attributes, ...attributes, ...attributes);
const conditionValue = fc.oneof(
  { weight: 8, arbitrary: scalar },
  { weight: 1, arbitrary: fc.constantFrom([1], { a: 1 }, undefined) },
);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ attribute, comparator: fc.constantFrom(...comparators), value: conditionValue }),
  fc.record({
    attribute,
    comparator: fc.constant('between' as const),
    value: fc.oneof(fc.tuple(number, number), fc.tuple(text, text), fc.tuple(scalar, scalar)),
  }),
);

const { group } = fc.letrec<{ group: ConditionGroup; member: Condition | ConditionGroup }>((tie) => ({
  group: fc.record({
    operator: fc.constantFrom('and' as const, 'or' as const),
    conditions: fc.array(tie('member'), { minLength: 1, maxLength: 3 }),
  }),
  member: fc.oneof({ depthSize: 'small', withCrossShrink: true }, condition, tie('group')),
}));

const sort: fc.Arbitrary<Sort> = fc
  .array(fc.record({ attribute, descending: fc.boolean() }), { minLength: 1, maxLength: 3 })
  .map(([first, ...others]) => {
    let next: Sort | undefined;
    for (const level of others.toReversed()) next = { ...level, ...(next && { next }) };
    return { ...(first ?? { attribute: 'id', descending: false }), ...(next && { next }) };
  });

const query: fc.Arbitrary<Query> = fc.record(
  {
    where: group,
    sort,
    offset: fc.integer({ min: 0, max: 4 }),
    limit: fc.integer({ min: 0, max: 6 }),
    reverse: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** Small tables full of collisions: equal values, equal prefixes, every type under one attribute. */
export const searchCase: fc.Arbitrary<SearchCase> = fc.record({
  documents: fc.uniqueArray(document, { selector: ({ id }) => id, maxLength: 14 }),
  indexed: fc.subarray([...attributes, 'absent']),
  query,
});
