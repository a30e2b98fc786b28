import { expect, test } from 'vitest';
import { Rows } from '../../src/operation/rows.ts';
import { runOperation } from '../../src/operation/run-operation.ts';
import { valueCondition } from '../../src/operation/search/search-by-value.ts';
import { maintain } from '../store/test-store.ts';
import { dog, makeDogs } from './dog.ts';
import { openContext, type TestContext } from './open-context.ts';

const dogs = [
  { id: 1, name: 'Rex', age: 3, tag: 'x*y' },
  { id: 2, name: 'Max', age: 7 },
  { id: 3, name: 'Roxy', age: 3 },
  { id: 4, name: 'Ruffy', age: 0 },
  { id: 5, name: '0815', age: '0' },
];

async function openWithDogs(): Promise<TestContext> {
  const t = await openContext();
  await makeDogs(t, dogs);
  return t;
}

test('search_by_id follows the order of the ids, under both names', async () => {
  await using t = await openWithDogs();
  const rest = { ...dog, get_attributes: ['id', 'name', 'nope'] };

  const byId = await t.call({ operation: 'search_by_id', ...rest, ids: [3, 99, 1] });
  const byHash = await t.call({
    operation: 'search_by_hash',
    ...rest,
    hash_values: [3, 99, 1],
    hash_attribute: 'id',
  });

  expect(byId).toEqual([
    { id: 3, name: 'Roxy', nope: null },
    { id: 1, name: 'Rex', nope: null },
  ]);
  expect(byHash).toEqual(byId);
});

test.each([
  ['Rex', [1]],
  ['R*', [1, 3, 4]],
  ['%y', [3, 4]],
  ['*x*', [1, 2, 3]],
  ['*', [1, 2, 3, 4, 5]],
  ['0*', [5]],
  [815, []],
])('search_by_value name = %j finds %j', async (value, expected) => {
  await using t = await openWithDogs();

  const found = await t.call({
    operation: 'search_by_value',
    ...dog,
    search_attribute: 'name',
    search_value: value,
    get_attributes: ['id'],
    sort: { attribute: 'id' },
  });

  expect(found).toEqual(expected.map((id) => ({ id })));
});

test.each([
  ['x*y', { comparator: 'equals', value: 'x*y' }],
  ['**text', { comparator: 'ends_with', value: '*text' }],
  ['text**', { comparator: 'starts_with', value: 'text*' }],
  [0, { comparator: 'equals', value: 0 }],
  ['', { comparator: 'equals', value: '' }],
  [' ', { comparator: 'equals', value: ' ' }],
])('the value %j means %j', (value, expected) => {
  expect(valueCondition('name', value)).toEqual({ attribute: 'name', ...expected });
});

test.each([
  [[{ attribute: 'age', comparator: 'equals', value: 3 }], [1, 3]],
  [[{ search_attribute: 'age', search_type: 'equals', search_value: 0 }], [4]],
  [[{ attribute: 'age', comparator: 'not_equal', value: 3 }], [2, 4, 5]],
  [[{ attribute: 'name', comparator: 'contains', value: 'x' }], [1, 2, 3]],
  [[{ attribute: 'name', comparator: 'starts_with', value: 'R' }], [1, 3, 4]],
  [[{ attribute: 'name', comparator: 'ends_with', value: 'y' }], [3, 4]],
  [[{ attribute: 'age', comparator: 'greater_than', value: 3 }], [2]],
  [[{ attribute: 'age', comparator: 'greater_than_equal', value: 3 }], [1, 2, 3]],
  [[{ attribute: 'age', comparator: 'less_than', value: 3 }], [4]],
  [[{ attribute: 'age', comparator: 'less_than_equal', value: 3 }], [1, 3, 4]],
  [[{ attribute: 'age', comparator: 'between', value: [3, 7] }], [1, 2, 3]],
  [
    [
      { attribute: 'age', comparator: 'equals', value: 3 },
      {
        operator: 'OR',
        conditions: [
          { attribute: 'id', comparator: 'equals', value: 3 },
          { attribute: 'id', comparator: 'equals', value: 4 },
        ],
      },
    ],
    [3],
  ],
])('conditions %j find %j', async (conditions, expected) => {
  await using t = await openWithDogs();

  const found = await t.call({
    operation: 'search_by_conditions',
    ...dog,
    operator: 'AND',
    conditions,
    get_attributes: ['id'],
    sort: { attribute: 'id' },
  });

  expect(found).toEqual(expected.map((id) => ({ id })));
});

test('a sort with a next one, an offset and a limit', async () => {
  await using t = await openWithDogs();
  const body = {
    operation: 'search_by_conditions',
    ...dog,
    operator: 'or',
    conditions: [
      { attribute: 'age', comparator: 'greater_than_equal', value: 0 },
      { attribute: 'id', comparator: 'equals', value: 1 },
    ],
    get_attributes: ['id'],
    sort: { attribute: 'age', next: { attribute: 'id', descending: true } },
  };

  expect(await t.call(body)).toEqual([{ id: 4 }, { id: 3 }, { id: 1 }, { id: 2 }]);
  expect(await t.call({ ...body, offset: 1, limit: 2 })).toEqual([{ id: 3 }, { id: 1 }]);
});

const byConditions = { operation: 'search_by_conditions', ...dog };

test('a search may have 1,000 conditions, those of groups counted, and is told so when it has more', async () => {
  await using t = await openWithDogs();
  const many = Array.from({ length: 999 }, (_, age) => ({
    attribute: 'age',
    comparator: 'not_equal',
    value: age + 3,
  }));
  const [one] = many;

  const found = await t.call({ ...byConditions, conditions: [one, { conditions: many }] });

  expect(found).toMatchObject([{ id: 4 }, { id: 5 }]);
  await expect(
    t.call({ ...byConditions, conditions: [one, { conditions: [one, ...many] }] }),
  ).rejects.toMatchObject({
    code: 'invalid_request',
    message:
      "'conditions' must hold at most 1000 conditions, those of groups included: search in parts, or by keys with search_by_id",
  });
});

test.each([
  [
    { operation: 'search_by_hash', ...dog, hash_values: 1, get_attributes: ['*'] },
    'invalid_request_legacy_500',
    "'hash_values' must be an array",
  ],
  [
    { operation: 'search_by_hash', ...dog, hash_values: [1], get_attributes: '*' },
    'invalid_request_legacy_500',
    "'get_attributes' must be an array",
  ],
  [
    { operation: 'search_by_id', ...dog, ids: 'a', get_attributes: 'b' },
    'invalid_request_legacy_500',
    "'hash_values' must be an array. 'get_attributes' must be an array",
  ],
  [{ operation: 'search_by_id', ...dog }, 'invalid_request', "'hash_values' is required"],
  [
    { operation: 'search_by_id', schema: 'dev', table: 'cat', ids: [1] },
    'table_missing',
    "Table 'dev.cat' does not exist",
  ],
  [
    { operation: 'search_by_id', schema: 'none', table: 'cat', ids: [1] },
    'database_missing',
    "database 'none' does not exist",
  ],
  [
    { operation: 'search_by_value', ...dog },
    'invalid_request',
    "'attribute' is required. 'value' is required",
  ],
  [
    { operation: 'search_by_value', ...dog, attribute: 'nope', value: 1 },
    'invalid_request',
    "unknown attribute 'nope'",
  ],
  [
    { operation: 'search_by_value', ...dog, attribute: 'id', value: 1, limit: 0 },
    'invalid_request',
    "'limit' must be greater than or equal to 1",
  ],
  [
    { operation: 'search_by_value', ...dog, attribute: 'id', value: 1, limit: 1.5 },
    'invalid_request',
    "'limit' must be an integer",
  ],
  [
    { operation: 'search_by_value', ...dog, attribute: 'id', value: 1, offset: -1 },
    'invalid_request',
    "'offset' must be greater than or equal to 0",
  ],
  [{ ...byConditions }, 'invalid_request', "'conditions' is required"],
  [{ ...byConditions, conditions: [] }, 'invalid_request', "'conditions' must contain at least 1 items"],
  [{ ...byConditions, conditions: ['x'] }, 'invalid_request', "'conditions[0]' must be an object"],
  [
    { ...byConditions, conditions: [{}] },
    'invalid_request',
    "'conditions[0].attribute' is required. 'conditions[0].comparator' is required. 'conditions[0].value' is required",
  ],
  [
    { ...byConditions, conditions: [{ attribute: 'id', comparator: 'like', value: 1 }] },
    'invalid_request',
    "'conditions[0].comparator' must be one of [equals, not_equal, contains, starts_with, ends_with, greater_than, greater_than_equal, less_than, less_than_equal, between]",
  ],
  [
    { ...byConditions, conditions: [{ attribute: 'id', comparator: 'between', value: 1 }] },
    'invalid_request',
    "'conditions[0].value' must be an array of two strings or numbers",
  ],
  [
    {
      ...byConditions,
      conditions: [{ conditions: [{ attribute: 'id', comparator: 'less_than', value: null }] }],
    },
    'invalid_request',
    "'conditions[0].conditions[0].value' must be a string or a number",
  ],
  [
    { ...byConditions, operator: 'xor', conditions: [{ attribute: 'id', comparator: 'equals', value: 1 }] },
    'invalid_request',
    "'operator' must be one of [and, or]",
  ],
  [
    {
      ...byConditions,
      conditions: ['a', 'b', 'c'].map((attribute) => ({ attribute, comparator: 'equals', value: 1 })),
    },
    'invalid_request',
    "unknown attribute 'a, b and c'",
  ],
  [
    {
      ...byConditions,
      conditions: [{ attribute: 'id', comparator: 'equals', value: 1 }],
      sort: { attribute: 'age', next: { attribute: 'id', desc: true } },
    },
    'invalid_request',
    "'sort.next' must not have 'desc'",
  ],
])('%j is refused as %s', async (body, code, message) => {
  await using t = await openWithDogs();

  await expect(t.call(body)).rejects.toMatchObject({ code, message });
});

const many = Array.from({ length: 600 }, (_, id) => ({ id, name: `dog ${id}`, text: 'x'.repeat(2_000) }));

test.each<readonly [string, object]>([
  ['search_by_value', { ...dog, attribute: 'id', value: '*' }],
  ['search_by_value', { ...dog, attribute: 'name', value: 'dog*' }],
  ['search_by_id', { ...dog, ids: many.map(({ id }) => id) }],
  ['sql', { sql: "SELECT name FROM dev.dog WHERE name LIKE 'dog%'" }],
  ['read_transaction_log', dog],
])('an answer of %s whose table is dropped while it is sent breaks off', async (operation, request) => {
  await using t = await openContext();
  await makeDogs(t);
  await t.call({ operation: 'create_attribute', ...dog, attribute: 'name' });
  await Promise.all(many.map(async (record) => t.call({ operation: 'insert', ...dog, records: [record] })));
  const rows = await runOperation(t.context, { operation, ...request });
  let read = 0;
  const readOn = async (): Promise<void> => {
    for (const row of rows instanceof Rows ? rows.withPauses : []) {
      if (row === undefined) continue;
      read += 1;
      if (read > 1) continue;
      await t.call({ operation: 'drop_table', ...dog });
      await maintain(t.store);
    }
  };

  await expect(readOn()).rejects.toMatchObject({
    code: 'table_missing',
    message: "Table 'dev.dog' was dropped while it was read",
  });
  expect(read).toBeGreaterThan(0);
});
