import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Document } from '../../../src/model/change.ts';
import type { Comparator, Query, Sort } from '../../../src/model/query.ts';
import { planOf, planSearch } from '../../../src/store/search/search-plan.ts';
import { atOnce } from '../../../src/runtime/pauses.ts';
import { searchWithPauses } from '../../../src/store/search/search.ts';
import { ArraySource } from './array-source.ts';
import { naiveSearch } from './naive-search.ts';
import { searchCase } from './search-cases.ts';

const long = 'p'.repeat(200);

const search = (...asked: Parameters<typeof searchWithPauses>): Generator<Document> =>
  atOnce(searchWithPauses(...asked));

describe('any search', () => {
  test('answers what filtering and sorting everything answers, whatever indexes are ready', () => {
    fc.assert(
      fc.property(searchCase, ({ documents, indexed, query }) => {
        const source = new ArraySource({ documents, indexed });

        expect([...search(source, query)]).toEqual(naiveSearch(documents, query));
      }),
      { numRuns: 3000 },
    );
  });

  test('answers the same however wrong the estimates are', () => {
    const estimates = fc.dictionary(fc.constantFrom('id', 'a', 'b', 'c'), fc.constantFrom(0, 1, 100, 20_000));
    const seen = new Set<string>();
    fc.assert(
      fc.property(searchCase, estimates, ({ documents, query }, wrong) => {
        const distort = (attribute: string, count: number) => wrong[attribute] ?? count;
        const source = new ArraySource({ documents, indexed: ['a', 'b', 'c'], distort });
        const { scanned, index } = planOf(source, query);
        seen.add(`${scanned} ${index ?? ''}`);

        expect([...search(source, query)]).toEqual(naiveSearch(documents, query));
      }),
      { numRuns: 3000 },
    );

    expect([...seen].sort()).toEqual(['index ', 'index a', 'index b', 'index c', 'index id', 'table ']);
  });
});

describe('equals', () => {
  const values = [0, '0', '', ' ', null, false, true, '.', '..', { x: 1 }, ['a', 1, null], [], undefined];
  const documents = values.map((value, id) => (value === undefined ? { id } : { id, value }));

  test.each<[string, unknown, number[]]>([
    ['zero is not the string 0', 0, [0]],
    ['minus zero is zero', -0, [0]],
    ['the string 0 is not zero', '0', [1]],
    ['an empty string is a value', '', [2]],
    ['a space is a value', ' ', [3]],
    ['null is a stored null or one in an array, not an absent attribute', null, [4, 10]],
    ['false is not zero, null or empty', false, [5]],
    ['true is not one', true, [6]],
    ['a point is a value', '.', [7]],
    ['two points are a value', '..', [8]],
    ['an element of an array', 1, [10]],
    ['an object equals nothing', { x: 1 }, []],
    ['an array equals nothing', ['a', 1, null], []],
  ])('%s', (_, value, ids) => {
    expect(idsBoth(documents, one('value', 'equals', value))).toEqual(ids);
  });

  test('not_equal is the opposite of equals, absent attributes included', () => {
    expect(idsBoth(documents, one('value', 'not_equal', 0))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(idsBoth(documents, one('value', 'not_equal', 'a'))).not.toContain(10);
  });

  test('three keys that look alike are three documents', () => {
    const keyed = [{ id: 0 }, { id: '011' }, { id: '00011' }, { id: 11 }];

    expect(idsBoth(keyed, one('id', 'equals', '011'))).toEqual(['011']);
    expect(idsBoth(keyed, one('id', 'equals', 11))).toEqual([11]);
    expect(idsBoth(keyed, {})).toEqual([0, 11, '00011', '011']);
  });
});

describe('text', () => {
  const documents = [
    { id: 1, value: 'Abc' },
    { id: 2, value: 'abc' },
    { id: 3, value: 'b10' },
    { id: 4, value: 10 },
    { id: 5, value: ['x', 'cab'] },
    { id: 6, value: '*abc' },
  ];

  test.each<[Comparator, unknown, number[]]>([
    ['contains', 'bc', [6, 1, 2]],
    ['contains', 'ab', [6, 2, 5]],
    ['starts_with', 'a', [2]],
    ['starts_with', '', [6, 1, 2, 3, 5]],
    ['starts_with', '*', [6]],
    ['ends_with', 'bc', [6, 1, 2]],
    ['ends_with', '*abc', [6]],
    // A number stands for its decimal text, and matches strings only.
    ['contains', 10, [3]],
    ['ends_with', 0, [3]],
    ['contains', null, []],
  ])('%s %j', (comparator, value, ids) => {
    const { answer } = both(documents, one('value', comparator, value));

    expect(new Set(answer)).toEqual(new Set(ids));
  });

  test('is answered by value', () => {
    expect(idsBoth(documents, one('value', 'ends_with', 'bc'))).toEqual([6, 1, 2]);
  });
});

describe('ranges', () => {
  const values = [null, false, true, -1, 0, 2, 10, '', '10', '2', 'a', [1, 'b'], { x: 1 }];
  const documents = values.map((value, id) => ({ id, value }));

  test.each<[Comparator, unknown, number[]]>([
    ['greater_than', 0, [11, 5, 6]],
    ['greater_than_equal', 0, [4, 11, 5, 6]],
    ['less_than', 2, [3, 4, 11]],
    ['less_than_equal', 2, [3, 4, 11, 5]],
    ['greater_than', '10', [9, 10, 11]],
    ['less_than', '2', [7, 8]],
    ['between', [0, 2], [4, 11, 5]],
    ['between', ['10', 'a'], [8, 9, 10]],
    ['between', [2, 0], []],
    ['between', [0, 'a'], []],
    ['greater_than', true, []],
    ['less_than', null, []],
  ])('%s %j does not mix types, and is answered by value', (comparator, value, ids) => {
    expect(idsBoth(documents, one('value', comparator, value))).toEqual(ids);
  });

  test('strings that an index cannot tell apart are told apart', () => {
    const lengthy = [`${long}c`, `${long}a`, long, `${long}b`].map((value, id) => ({ id, value }));

    expect(idsBoth(lengthy, one('value', 'greater_than', long))).toEqual([1, 3, 0]);
    expect(idsBoth(lengthy, one('value', 'less_than', `${long}b`))).toEqual([2, 1]);
    expect(idsBoth(lengthy, one('value', 'equals', `${long}b`))).toEqual([3]);
    expect(idsBoth(lengthy, one('value', 'starts_with', `${long}b`))).toEqual([3]);
    expect(idsBoth(lengthy, { sort: by('value', true) })).toEqual([0, 3, 1, 2]);
  });
});

describe('ends of an index range', () => {
  test('a prefix may end with the last UTF-16 unit', () => {
    const texts = ['a', 'a\uffff', 'a\uffff\uffff', 'b', '\uffff', '\uffffa'];
    const last = texts.map((value, id) => ({ id, value }));

    expect(idsBoth(last, one('value', 'starts_with', 'a\uffff'))).toEqual([1, 2]);
    expect(idsBoth(last, one('value', 'starts_with', '\uffff'))).toEqual([4, 5]);
  });

  test('keys are compared whole', () => {
    const keyed = [`${long}a`, `${long}b`, `${long}c`].map((id) => ({ id }));

    expect(idsBoth(keyed, one('id', 'equals', `${long}b`))).toEqual([`${long}b`]);
    expect(idsBoth(keyed, one('id', 'less_than_equal', `${long}b`))).toEqual([`${long}a`, `${long}b`]);
    expect(idsBoth(keyed, one('id', 'starts_with', `${long}c`))).toEqual([`${long}c`]);
  });
});

describe('order', () => {
  const documents = [
    { id: 1, age: 5, name: 'b' },
    { id: 2, age: 3, name: 'a' },
    { id: 3, name: 'c' },
    { id: 4, age: 5, name: 'a' },
    { id: 5, age: null, name: 'a' },
    { id: 'x', age: '5', name: 'a' },
    { id: 7, age: false, name: 'a' },
  ];

  test('nulls and absent values come first, then booleans, numbers, strings', () => {
    expect(idsBoth(documents, { sort: by('age') })).toEqual([3, 5, 7, 2, 1, 4, 'x']);
  });

  test('a descending sort is the same order backwards', () => {
    expect(idsBoth(documents, { sort: by('age', true) })).toEqual(['x', 4, 1, 2, 7, 5, 3]);
    expect(idsBoth(documents, { sort: by('age', true), limit: 6 })).toEqual(['x', 4, 1, 2, 7, 5]);
  });

  test('next decides between equals, in its own direction', () => {
    const sort = { ...by('age'), next: by('name') };

    expect(idsBoth(documents, { sort })).toEqual([5, 3, 7, 2, 4, 1, 'x']);
    expect(idsBoth(documents, { sort: { ...by('age'), next: by('name', true) } })).toEqual([
      3,
      5,
      7,
      2,
      1,
      4,
      'x',
    ]);
  });

  test('a scan is in primary key order, reverse turns it', () => {
    expect(idsBoth(documents, {})).toEqual([1, 2, 3, 4, 5, 7, 'x']);
    expect(idsBoth(documents, { reverse: true, limit: 2 })).toEqual(['x', 7]);
  });

  test('an and is ordered by its first equality or range, not by the cheapest index', () => {
    const where = {
      operator: 'and' as const,
      conditions: [
        { attribute: 'age', comparator: 'greater_than' as const, value: 0 },
        { attribute: 'name', comparator: 'equals' as const, value: 'a' },
      ],
    };

    expect(idsBoth(documents, { where })).toEqual([2, 4]);
    expect(idsBoth(documents, { where, reverse: true })).toEqual([4, 2]);
  });

  test('an or is in primary key order', () => {
    const where = {
      operator: 'or' as const,
      conditions: [
        { attribute: 'age', comparator: 'equals' as const, value: 5 },
        { attribute: 'age', comparator: 'less_than' as const, value: 4 },
      ],
    };

    expect(idsBoth(documents, { where })).toEqual([1, 2, 4]);
  });

  test('an array takes the place of its nearest element and comes once', () => {
    const arrays = [
      { id: 1, value: [1, 9] },
      { id: 2, value: 5 },
      { id: 3, value: [7, 3] },
    ];

    expect(idsBoth(arrays, one('value', 'greater_than', 0))).toEqual([1, 3, 2]);
    expect(idsBoth(arrays, one('value', 'greater_than', 4))).toEqual([2, 3, 1]);
    expect(idsBoth(arrays, { ...one('value', 'greater_than', 0), reverse: true })).toEqual([1, 3, 2]);
    expect(idsBoth(arrays, { sort: by('value') })).toEqual([1, 3, 2]);
  });

  test('with two conditions on an attribute the first decides the place of an array', () => {
    const arrays = [
      { id: 1, value: [2, 20] },
      { id: 2, value: 8 },
      { id: 3, value: [9, 1] },
    ];
    const where = {
      operator: 'and' as const,
      conditions: [...conditions('value', 'less_than', 10), ...conditions('value', 'greater_than', 5)],
    };
    const newest = { where, sort: by('value', true), limit: 2 };
    const distort = (attribute: string) => (attribute === 'id' ? 100 : 10_000);
    const mistaken = new ArraySource({ documents: arrays, indexed: ['value'], distort });

    expect(idsBoth(arrays, { where })).toEqual([3, 1, 2]);
    expect(idsBoth(arrays, newest)).toEqual([3, 2]);
    expect([...search(mistaken, newest)].map(({ id }) => id)).toEqual([3, 2]);
  });

  test('a key may be sorted against the attribute before it', () => {
    const sort = { ...by('age'), next: by('id', true) };

    expect(idsBoth(documents, { ...one('age', 'greater_than', 0), sort })).toEqual([2, 4, 1]);
    expect(idsBoth(documents, { sort: { ...by('age', true), next: by('id') } })).toEqual([
      'x',
      1,
      4,
      2,
      7,
      3,
      5,
    ]);
  });

  test('offset and limit cut the ordered answer', () => {
    expect(idsBoth(documents, { sort: by('age'), offset: 2, limit: 2 })).toEqual([7, 2]);
    expect(idsBoth(documents, { offset: 6 })).toEqual(['x']);
    expect(idsBoth(documents, { offset: 7, limit: 1 })).toEqual([]);
    expect(idsBoth(documents, { limit: 0 })).toEqual([]);
  });
});

describe('reading', () => {
  const documents = Array.from({ length: 1000 }, (_, id) => ({ id, age: id % 100, name: `n${id}` }));

  test('a scan with a limit stops at the limit', () => {
    const source = new ArraySource({ documents });

    expect([...search(source, { limit: 3 })]).toHaveLength(3);
    expect(source.reads).toEqual({ scanned: 3, fetched: 0 });
  });

  test('an equality with an index fetches only its candidates', () => {
    const source = new ArraySource({ documents, indexed: ['age'] });

    expect([...search(source, one('age', 'equals', 7))]).toHaveLength(10);
    expect(source.reads).toEqual({ scanned: 0, fetched: 10 });
  });

  test('a key is fetched without an index', () => {
    const source = new ArraySource({ documents });

    expect([...search(source, one('id', 'equals', 7))]).toEqual([documents[7]]);
    expect(source.reads).toEqual({ scanned: 0, fetched: 1 });
  });

  test('the newest of an indexed attribute are fetched without a scan', () => {
    const source = new ArraySource({ documents, indexed: ['age'] });

    expect([...search(source, { sort: by('age', true), limit: 5 })].map(({ id }) => id)).toEqual([
      999, 899, 799, 699, 599,
    ]);
    expect(source.reads).toEqual({ scanned: 0, fetched: 5 });
  });

  test('an or with an index for each branch reads no table', () => {
    const source = new ArraySource({ documents, indexed: ['age', 'name'] });
    const where = {
      operator: 'or' as const,
      conditions: [...conditions('age', 'equals', 7), ...conditions('name', 'equals', 'n7')],
    };

    expect([...search(source, { where })]).toHaveLength(10);
    expect(source.reads).toEqual({ scanned: 0, fetched: 10 });
  });

  test('a value that cannot match reads nothing', () => {
    const source = new ArraySource({ documents });

    expect([...search(source, one('age', 'greater_than', null))]).toEqual([]);
    expect(source.reads).toEqual({ scanned: 0, fetched: 0 });
  });
});

describe('a plan', () => {
  const documents = Array.from({ length: 200 }, (_, id) => ({ id, age: id, name: `n${id % 2}` }));
  const plan = (query: Query, indexed: string[] = []) => {
    const { estimate: _, ...choice } = planOf(new ArraySource({ documents, indexed }), query);
    return choice;
  };
  const and = {
    where: {
      operator: 'and' as const,
      conditions: [...conditions('age', 'greater_than', 190), ...conditions('name', 'equals', 'n1')],
    },
  };

  test('names the most selective ready index', () => {
    expect(plan(and, ['age', 'name'])).toEqual({ index: 'age', scanned: 'index', wanted: [] });
  });

  test('of a scan names the index that an and wants, an equality first', () => {
    expect(plan(and)).toEqual({ index: undefined, scanned: 'table', wanted: ['name'] });
  });

  test('of an or names every missing index, or none when one branch cannot have one', () => {
    const or = { ...and.where, operator: 'or' as const };
    const hopeless = { ...or, conditions: [...or.conditions, ...conditions('age', 'not_equal', 1)] };

    expect(plan({ where: or }, ['age']).wanted).toEqual(['name']);
    expect(plan({ where: or }).wanted).toEqual(['age', 'name']);
    expect(plan({ where: hopeless }).wanted).toEqual([]);
  });

  test('wants nothing for text searches, keys and attributes that do not exist', () => {
    expect(plan(one('name', 'contains', 'n')).wanted).toEqual([]);
    expect(plan(one('id', 'greater_than', 1)).wanted).toEqual([]);
    expect(plan(one('nothing', 'equals', 1)).wanted).toEqual([]);
    expect(plan({})).toEqual({ index: undefined, scanned: 'table', wanted: [] });
  });

  test('wants an index for the newest', () => {
    expect(plan({ sort: by('age', true), limit: 5 }).wanted).toEqual(['age']);
    expect(plan({ sort: by('age', true) }).wanted).toEqual([]);
  });
});

describe('estimates', () => {
  const documents = Array.from({ length: 20 }, (_, id) => ({ id, age: id % 2 }));
  const many = Array.from({ length: 1_000 }, () => conditions('age', 'equals', 1)).flat();
  const planFor = (query: Query, entriesOfAge: number) => {
    const distort = (attribute: string) => (attribute === 'id' ? 10_000 : entriesOfAge);
    const source = new ArraySource({ documents, indexed: ['age'], distort });
    return { plan: planOf(source, query), source };
  };

  test.each(['and', 'or'] as const)(
    'of all conditions of an %s count so many entries, and no more',
    (operator) => {
      const { source } = planFor({ where: { operator, conditions: many } }, 10_000);

      expect(source.counted).toBe(10 * 10_000);
    },
  );

  test('of an and end with the first that is cheap', () => {
    const { source, plan } = planFor({ where: { operator: 'and', conditions: many } }, 100);

    expect(plan).toMatchObject({ index: 'age', estimate: 100 });
    expect(source.counted).toBe(100);
  });

  test('that were not made do not hide a condition that nothing can match', () => {
    const where = {
      operator: 'and' as const,
      conditions: [...many, ...conditions('age', 'less_than', null)],
    };
    const { source, plan } = planFor({ where }, 100);

    expect(plan).toMatchObject({ estimate: 0 });
    expect([...search(source, { where })]).toEqual([]);
  });

  test('are made once for a search', () => {
    const { source } = planFor(one('age', 'equals', 1), 10);
    const plan = planSearch(source, one('age', 'equals', 1));
    source.counted = 0;

    expect([...search(source, one('age', 'equals', 1), plan)]).toHaveLength(10);
    expect(source.counted).toBe(0);
  });
});

function conditions(attribute: string, comparator: Comparator, value: unknown) {
  return [{ attribute, comparator, value }];
}

function one(attribute: string, comparator: Comparator, value: unknown): Query {
  return { where: { operator: 'and', conditions: conditions(attribute, comparator, value) } };
}

function by(attribute: string, descending = false): Sort {
  return { attribute, descending };
}

/** The ids that a search answers without indexes and with all of them, which must agree. */
function both(documents: readonly Document[], query: Query) {
  const indexed = ['value', 'age', 'name'];
  const [scanned, answer] = [[], indexed].map((ready) => {
    // A table too large to scan, so that the indexes are used.
    const distort = (attribute: string, count: number) => (attribute === 'id' ? 10_000 : count);
    return [...search(new ArraySource({ documents, indexed: ready, distort }), query)].map(({ id }) => id);
  });
  expect(answer).toEqual(scanned);
  return { answer: answer ?? [] };
}

function idsBoth(documents: readonly Document[], query: Query) {
  return both(documents, query).answer;
}
