import { expect, test } from 'vitest';
import { dog } from './dog.ts';
import { openContext, type TestContext } from './open-context.ts';

interface Page {
  readonly records: readonly { readonly id: unknown }[];
  readonly cursor: string | null;
}

async function openDogs(indexed: boolean): Promise<TestContext> {
  const t = await openContext();
  await t.call({
    operation: 'create_table',
    ...dog,
    primary_key: 'id',
    attributes: [{ name: 'id' }, ...['age', 'name', 'tags'].map((name) => ({ name, indexed }))],
  });
  const ages = [3, 1, null, 3, 'old', true, 2, 3, undefined, 1, 7, 3];
  await t.call({
    operation: 'insert',
    ...dog,
    records: ages.map((age, index) => ({
      id: index < 6 ? index : `k${index}`,
      ...(age === undefined ? {} : { age }),
      name: `n${index % 3}${'x'.repeat(index % 2 === 0 ? 250 : 0)}`,
      tags: [index % 4, index % 5],
    })),
  });
  return t;
}

async function idsByPages(t: TestContext, search: object, limit: number): Promise<readonly unknown[]> {
  const ids: unknown[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = (await t.call({ ...search, limit, cursor })) as Page;
    ids.push(...page.records.map(({ id }) => id));
    cursor = page.cursor;
  }
  return ids;
}

const everything = { operation: 'search_by_value', ...dog, attribute: 'id', value: '*' };
const conditions = (...list: object[]) => ({
  operation: 'search_by_conditions',
  ...dog,
  conditions: list,
});
const range = { attribute: 'age', comparator: 'greater_than_equal', value: 1 };

const searches: readonly (readonly [string, object])[] = [
  ['all, by key', everything],
  ['all, backwards', { ...everything, reverse: true }],
  ['by an attribute of all types', { ...everything, sort: { attribute: 'age' } }],
  ['by it from the high end', { ...everything, sort: { attribute: 'age', descending: true } }],
  ['by long texts', { ...everything, sort: { attribute: 'name', next: { attribute: 'age' } } }],
  ['by lists', { ...everything, sort: { attribute: 'tags', descending: true } }],
  ['a range', conditions(range)],
  ['a range, backwards', { ...conditions(range), reverse: true }],
  ['one value', conditions({ attribute: 'age', comparator: 'equals', value: 3 })],
  ['a range of lists', conditions({ attribute: 'tags', comparator: 'between', value: [1, 3] })],
  [
    'either',
    { ...conditions(range, { attribute: 'name', comparator: 'starts_with', value: 'n1' }), operator: 'or' },
  ],
];

test.each(
  searches.flatMap(([name, search]) => [true, false].map((indexed) => [name, indexed, search] as const)),
)('pages of %s make the whole, each record once (indexed: %s)', async (_name, indexed, search) => {
  await using t = await openDogs(indexed);
  const whole = ((await t.call(search)) as { id: unknown }[]).map(({ id }) => id);
  expect(whole.length).toBeGreaterThan(2);

  for (const limit of [1, 2, 5, 100]) expect(await idsByPages(t, search, limit)).toEqual(whole);
});

test.each([false, true])(
  'texts that differ behind what an index holds, in characters of two units, are in order (descending: %s)',
  async (descending) => {
    await using t = await openDogs(true);
    const held = `${'a'.repeat(199)}😀`;
    const ends = ['c', 'a', 'b'];
    await t.call({
      operation: 'insert',
      ...dog,
      records: ends.map((end, index) => ({ id: `r${index}`, name: `${held}${end}` })),
    });
    const search = {
      ...conditions({ attribute: 'name', comparator: 'starts_with', value: 'aaa' }),
      sort: { attribute: 'name', descending },
    };

    const whole = (await t.call(search)) as { id: unknown }[];

    const inOrder = descending ? ['r0', 'r2', 'r1'] : ['r1', 'r2', 'r0'];
    expect(whole.map(({ id }) => id)).toEqual(inOrder);
    expect(await idsByPages(t, search, 1)).toEqual(inOrder);
  },
);

test('what is written between two pages neither repeats nor hides a record', async () => {
  await using t = await openDogs(true);
  const first = (await t.call({ ...everything, limit: 3, cursor: null })) as Page;
  await t.call({ operation: 'insert', ...dog, records: [{ id: 0.5 }, { id: 2.5 }] });
  await t.call({ operation: 'delete', ...dog, ids: [1] });

  const second = (await t.call({ ...everything, limit: 3, cursor: first.cursor })) as Page;

  expect(first.records.map(({ id }) => id)).toEqual([0, 1, 2]);
  expect(second.records.map(({ id }) => id)).toEqual([2.5, 3, 4]);
});

test('a page ends before its limit where its records are large, and the next one goes on', async () => {
  await using t = await openDogs(false);
  const name = 'x'.repeat(6 * 1024 * 1024);
  const ids = ['l1', 'l2', 'l3', 'l4'];
  for (const id of ids) await t.call({ operation: 'insert', ...dog, records: [{ id, name }] });
  const large = conditions({ attribute: 'id', comparator: 'starts_with', value: 'l' });

  const first = (await t.call({ ...large, limit: 10, cursor: '' })) as Page;
  const second = (await t.call({ ...large, limit: 10, cursor: first.cursor })) as Page;

  expect(first.records.map(({ id }) => id)).toEqual(['l1', 'l2', 'l3']);
  expect(second).toMatchObject({ records: [{ id: 'l4' }], cursor: null });
});

test('a page has at most 10,000 records, and a request for more is told so', async () => {
  await using t = await openDogs(false);

  const page = (await t.call({ ...everything, limit: 10_000, cursor: '' })) as Page;
  expect(page.cursor).toBeNull();
  await expect(t.call({ ...everything, limit: 10_001, cursor: '' })).rejects.toMatchObject({
    code: 'invalid_request',
    message: "'limit' must be less than or equal to 10000 with 'cursor': ask for the next page",
  });
  expect(await t.call({ ...everything, limit: 10_001 })).toHaveLength(12);
});

test('a cursor of another search is refused, and an offset beside it', async () => {
  await using t = await openDogs(true);
  const { cursor } = (await t.call({ ...everything, limit: 3, cursor: '' })) as Page;

  for (const wrong of [{ cursor, reverse: true }, { cursor: 'nonsense' }])
    await expect(t.call({ ...everything, ...wrong })).rejects.toThrow("'cursor' must be that of an answer");
  await expect(t.call({ ...everything, cursor, offset: 1 })).rejects.toThrow("'offset' cannot be used");
});

test('explain says which index is read, what it is estimated to hold, and which one is missing', async () => {
  await using indexed = await openDogs(true);
  await using plain = await openDogs(false);
  const two = {
    ...conditions({ attribute: 'name', comparator: 'equals', value: 'n1' }, range),
    explain: true,
  };

  expect(await indexed.call(two)).toEqual({
    scanned: 'index',
    index: 'name',
    estimated_entries: 2,
    estimate_is_capped: false,
    wanted_indexes: [],
  });
  expect(await plain.call(two)).toMatchObject({
    scanned: 'table',
    index: null,
    estimated_entries: 12,
    wanted_indexes: ['name'],
  });
});
