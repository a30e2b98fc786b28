import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodedError } from '../../src/model/errors.ts';
import { checkRequest } from '../../src/operation/permission.ts';
import { ForbiddenError } from '../../src/operation/refusals.ts';
import type { User } from '../../src/operation/user/user.ts';
import { dog } from './dog.ts';
import { openPlaces, roleKinds, type PlacesContext } from './open-places.ts';

const cat = { schema: 'dev', table: 'cat' };
const text = { get_attributes: ['id'] };

async function refusal(t: PlacesContext, user: User, body: object): Promise<unknown> {
  const error: unknown = await t.call(body, user).then(
    () => 'allowed',
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ForbiddenError)) return error instanceof Error ? error.message : error;
  return { access: error.unauthorizedAccess, items: error.invalidSchemaItems };
}

function lacks(
  onTable: readonly string[],
  onAttributes: Readonly<Record<string, readonly string[]>> = {},
): unknown {
  return {
    ...dog,
    required_table_permissions: onTable,
    required_attribute_permissions: Object.entries(onAttributes).map(([name, missing]) => ({
      attribute_name: name,
      required_permissions: missing,
    })),
  };
}

test('what has some right but not the needed one is named, what has none does not exist', async () => {
  await using t = await openPlaces();
  const { reader, inserter, attributes, none, structureOfDev } = t.users;
  const insert = { operation: 'insert', ...dog, records: [{ id: 5, name: 'Rex' }] };
  const search = { operation: 'search_by_id', ...dog, ids: [1], ...text };

  expect(await refusal(t, reader, insert)).toEqual({ access: [lacks(['insert'])], items: [] });
  expect(await refusal(t, inserter, { ...insert, operation: 'upsert' })).toEqual({
    access: [lacks(['update'])],
    items: [],
  });
  expect(await refusal(t, inserter, search)).toEqual({ access: [lacks(['read'])], items: [] });
  expect(await refusal(t, reader, { ...search, ...cat })).toEqual({
    access: [],
    items: ["Table 'dev.cat' does not exist"],
  });
  expect(await refusal(t, none, search)).toEqual({ access: [], items: ["database 'dev' does not exist"] });
  expect(
    await refusal(t, attributes, { ...insert, records: [{ id: 5, name: 'x', secret: 1, new: 2 }] }),
  ).toEqual({
    access: [],
    items: ["Attribute 'secret' does not exist on 'dev.dog'", "Attribute 'new' does not exist on 'dev.dog'"],
  });
  expect(
    await refusal(t, structureOfDev, {
      operation: 'create_table',
      schema: 'lab',
      table: 'x',
      primary_key: 'id',
    }),
  ).toEqual({ access: ["Operation 'createTable' is restricted to 'super_user' roles"], items: [] });
});

test('all that a transaction may not do is told at once, and none of it is done', async () => {
  await using t = await openPlaces();
  const operations = [
    { operation: 'insert', ...dog, records: [{ id: 7 }] },
    { operation: 'delete', ...dog, ids: [1] },
    { operation: 'delete', ...cat, ids: [1] },
  ];

  expect(await refusal(t, t.users.inserter, { operation: 'transaction', operations })).toEqual({
    access: [lacks(['delete'])],
    items: ["Table 'dev.cat' does not exist"],
  });

  const everything = { operation: 'search_by_value', ...dog, attribute: 'id', value: '*', ...text };
  expect(await t.call(everything)).toEqual([{ id: 1 }]);
});

test('an attribute that lacks the needed right is named with it', async () => {
  await using t = await openPlaces();
  const attribute_permissions = [{ attribute_name: 'name', read: true, insert: false, update: false }];
  const table = { read: true, insert: true, update: false, delete: false, attribute_permissions };
  const user: User = {
    ...t.users.none,
    role: { id: 'r', role: 'r', permission: { dev: { tables: { dog: table } } } },
  };
  const records = [{ name: 'x' }];

  expect(await refusal(t, user, { operation: 'insert', ...dog, records })).toEqual({
    access: [lacks([], { name: ['insert'] })],
    items: [],
  });
});

test('an operation that may touch any attribute is closed to users with attribute permissions', async () => {
  await using t = await openPlaces();
  const { store } = t;
  const check = (user: User, right: 'insert' | 'delete'): void =>
    checkRequest(right, {}, { user, store, refusalName: 'x', body: dog });

  expect(() => check(t.users.attributes, 'insert')).toThrow(
    expect.objectContaining({ unauthorizedAccess: [lacks(['insert'])] }),
  );
  expect(() => check(t.users.reader, 'insert')).toThrow(ForbiddenError);
  check(t.users.inserter, 'insert');
  check(t.users.attributes, 'delete');
});

test('timestamps are not written under attribute permissions', async () => {
  await using t = await openPlaces();
  const records = [{ id: 1, __updatedtime__: 1 }];

  expect(await refusal(t, t.users.attributes, { operation: 'update', ...dog, records })).toBe(
    "Internal timestamp attributes - '__createdtime_' and '__updatedtime__' - cannot be inserted to or updated by HDB users.",
  );
});

test.each([
  ['shown', { operation: 'search_by_id', ids: [1], get_attributes: ['id', 'secret'] }],
  ['shown beside *', { operation: 'search_by_id', ids: [1], get_attributes: ['*', 'secret'] }],
  ['searched', { operation: 'search_by_value', attribute: 'secret', value: 'x', ...text }],
  ['searched with *', { operation: 'search_by_value', attribute: 'secret', value: '*', ...text }],
  ['sorted by', { operation: 'search_by_value', attribute: 'id', value: 1, sort: { attribute: 'secret' } }],
  [
    'a condition in a group',
    {
      operation: 'search_by_conditions',
      conditions: [
        { operator: 'or', conditions: [{ attribute: 'secret', comparator: 'equals', value: 'x' }] },
      ],
    },
  ],
  [
    'the second of an order',
    {
      operation: 'search_by_conditions',
      conditions: [{ attribute: 'id', comparator: 'equals', value: 1 }],
      sort: { attribute: 'id', next: { attribute: 'secret' } },
    },
  ],
])('an attribute that may not be read cannot be %s', async (_how, body) => {
  await using t = await openPlaces();

  expect(await refusal(t, t.users.attributes, { ...body, ...dog })).toEqual({
    access: [],
    items: ["Attribute 'secret' does not exist on 'dev.dog'"],
  });
});

test('* and describes show a restricted user only the attributes that are there for it', async () => {
  await using t = await openPlaces();
  const { attributes } = t.users;
  const rex = [{ id: 1, name: 'Rex' }];

  for (const shown of [{ get_attributes: ['*'] }, {}]) {
    expect(await t.call({ operation: 'search_by_id', ...dog, ids: [1], ...shown }, attributes)).toEqual(rex);
    const byName = { operation: 'search_by_value', ...dog, attribute: 'name', value: 'R*' };
    expect(await t.call({ ...byName, ...shown }, attributes)).toEqual(rex);
  }

  const described = await t.call({ operation: 'describe_all' }, attributes);
  expect(described).toEqual({
    dev: { dog: expect.objectContaining({ name: 'dog', table_size: expect.any(Number) }) },
  });
  expect(described).toHaveProperty('dev.dog.attributes', [
    expect.objectContaining({ attribute: 'id' }),
    expect.objectContaining({ attribute: 'name' }),
  ]);
  expect(described).toHaveProperty('dev.dog.db_size', expect.any(Number));
  expect(described).not.toHaveProperty('dev.dog.db_audit_size');
  expect(await t.call({ operation: 'describe_all' }, t.users.none)).toEqual({});
});

test.each(['none', 'reader', 'structure', 'structureOfDev'] as const)(
  '%s has no way into system',
  async (kind) => {
    await using t = await openPlaces();
    const user = t.users[kind];
    const place = { schema: 'system', table: 'hdb_user' };
    const needs = (right: string): unknown => ({
      access: [{ ...place, required_table_permissions: [right], required_attribute_permissions: [] }],
      items: [],
    });
    const guard =
      "The 'system' database, tables and records are used internally by HarperDB and cannot be updated or removed.";
    const hidden = {
      access: ["Your role does not have permission to view database metadata for 'system'"],
      items: [],
    };
    const records = [{ username: 'eve', role: 'super_user', password: 'x', active: true }];

    expect(await refusal(t, user, { operation: 'search_by_id', ...place, ids: ['super'], ...text })).toEqual(
      needs('read'),
    );
    expect(await refusal(t, user, { operation: 'insert', ...place, records })).toEqual(needs('insert'));
    for (const operation of ['update', 'upsert'])
      expect(await refusal(t, user, { operation, ...place, records })).toBe(guard);
    expect(await refusal(t, user, { operation: 'delete', ...place, ids: ['super'] })).toBe(guard);
    expect(await refusal(t, user, { operation: 'drop_table', ...place })).toBe(guard);
    expect(await refusal(t, user, { operation: 'drop_attribute', ...place, attribute: 'role' })).toBe(guard);
    expect(await refusal(t, user, { operation: 'describe_table', ...place })).toEqual(hidden);
    expect(await refusal(t, user, { operation: 'describe_table', schema: 'system' })).toEqual(hidden);
    expect(await refusal(t, user, { operation: 'describe_schema', schema: 'system' })).toEqual(hidden);
  },
);

test('what a role inherits from being an object, and values that are not true, grant nothing', async () => {
  await using t = await openPlaces();
  const names = ['constructor', 'toString', 'tables'];
  for (const table of names)
    await t.call({ operation: 'create_table', schema: 'constructor', table, primary_key: 'id' });
  const truthy = { tables: { dog: { read: 'yes', insert: 1, attribute_permissions: 'all' } } };
  const user: User = { ...t.users.none, role: { id: 'r', role: 'r', permission: { dev: truthy } } };

  for (const table of names) {
    expect(
      await refusal(t, user, { operation: 'search_by_id', schema: 'constructor', table, ids: [1] }),
    ).toEqual({
      access: [],
      items: ["database 'constructor' does not exist"],
    });
  }
  expect(await t.call({ operation: 'describe_all' }, user)).toEqual({});
});

const attributeName = fc.constantFrom('id', 'name', 'secret', 'new', '*', '__updatedtime__');
const key = fc.constantFrom(1, 2, 'x');
const names = fc.array(attributeName, { maxLength: 3 });
const record = fc.dictionary(attributeName, key, { maxKeys: 3 });

/** A request about a table, whichever it is. */
const request = fc.oneof(
  fc.record({
    operation: fc.constantFrom('insert', 'update', 'upsert'),
    records: fc.array(record, { maxLength: 2 }),
  }),
  fc.record({
    operation: fc.constantFrom('delete', 'search_by_id'),
    ids: fc.array(key),
    get_attributes: names,
  }),
  fc.record({
    operation: fc.constant('search_by_value'),
    attribute: attributeName,
    value: key,
    get_attributes: names,
  }),
  fc.record({
    operation: fc.constant('search_by_conditions'),
    conditions: fc.array(
      fc.record({ attribute: attributeName, comparator: fc.constant('equals'), value: key }),
    ),
    sort: fc.record({ attribute: attributeName }),
  }),
  fc.record({ operation: fc.constantFrom('create_attribute', 'drop_attribute'), attribute: attributeName }),
  fc.record({
    operation: fc.constantFrom('describe_table', 'describe_database', 'drop_table', 'read_transaction_log'),
  }),
);

test('whatever a restricted user asks, a table it may not see answers like one that does not exist', async () => {
  await using t = await openPlaces();
  const restricted = roleKinds.filter((kind) => !['super', 'structure', 'structureOfDev'].includes(kind));
  const told = async (body: object, user: User): Promise<string> => {
    const answer: unknown = await t.call(body, user).catch((error: unknown) => {
      if (!(error instanceof CodedError)) throw error;
      return [error.code, error.message, JSON.stringify(error)];
    });
    return JSON.stringify(answer)
      .replaceAll(/cat|cow/g, 'T')
      .replaceAll(/lab|sea/g, 'D');
  };

  await fc.assert(
    fc.asyncProperty(request, fc.constantFrom(...restricted), async (body, kind) => {
      const user = t.users[kind];
      const beside = [cat, { ...cat, table: 'cow' }] as const;
      const elsewhere = [
        { schema: 'lab', table: 'rat' },
        { schema: 'sea', table: 'rat' },
      ] as const;
      for (const [hidden, missing] of [beside, elsewhere]) {
        expect(await told({ ...body, ...hidden }, user)).toBe(await told({ ...body, ...missing }, user));
      }
    }),
    { numRuns: 300 },
  );

  const all = { operation: 'search_by_value', attribute: 'id', value: '*', ...text };
  for (const place of [cat, { schema: 'lab', table: 'rat' }])
    expect(await t.call({ ...all, ...place })).toEqual([{ id: 1 }]);
});
