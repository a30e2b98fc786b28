import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ForbiddenError } from '../../src/operation/refusals.ts';
import { dog } from './dog.ts';
import { clusterUser, openContext } from './open-context.ts';

const createDog = { operation: 'create_table', ...dog, hash_attribute: 'id' };

test('databases are created, described and dropped under both names', async () => {
  await using t = await openContext();

  expect(await t.call({ operation: 'create_schema', schema: 'dev' })).toEqual({
    message: "database 'dev' successfully created",
  });
  expect(await t.call({ operation: 'create_database' })).toEqual({
    message: "database 'data' successfully created",
  });
  expect(await t.call({ operation: 'describe_all' })).toEqual({ data: {}, dev: {} });
  expect(await t.call({ operation: 'describe_schema', schema: 'dev' })).toEqual({});
  expect(await t.call({ operation: 'drop_database', database: 'dev' })).toEqual({
    message: "successfully deleted 'dev'",
  });
  expect(await t.call({ operation: 'describe_all' })).toEqual({ data: {} });
});

test('a new table has its key and the two timestamps, and its database is made with it', async () => {
  await using t = await openContext();

  expect(await t.call(createDog)).toEqual({ message: "table 'dev.dog' successfully created." });

  const described = await t.call({ operation: 'describe_table', database: 'dev', table: 'dog' });
  expect(described).toEqual({
    schema: 'dev',
    name: 'dog',
    hash_attribute: 'id',
    audit: true,
    schema_defined: false,
    attributes: expect.toSatisfy(
      (list: { attribute: string }[]) =>
        list.map(({ attribute }) => attribute).join() === 'id,__createdtime__,__updatedtime__',
    ),
    clustering_stream_name: createHash('md5').update('dev:dog').digest('hex'),
    record_count: 0,
    last_updated_record: expect.any(Number),
    table_size: expect.any(Number),
    db_size: expect.any(Number),
    db_audit_size: expect.any(Number),
  });
  expect(described).toMatchObject({
    attributes: [
      { attribute: 'id', indexed: true, is_primary_key: true },
      { attribute: '__createdtime__', indexed: true, is_primary_key: false },
      { attribute: '__updatedtime__', indexed: true, is_primary_key: false },
    ],
  });
});

test('a table with declared attributes is schema-defined', async () => {
  await using t = await openContext();

  await t.call({
    operation: 'create_table',
    table: 'dog',
    attributes: [
      { name: 'id', is_primary_key: true },
      { name: 'name', indexed: true, type: 'String' },
      { name: 'age' },
    ],
  });

  expect(await t.call({ operation: 'describe_table', table: 'dog' })).toMatchObject({
    hash_attribute: 'id',
    schema_defined: true,
    attributes: [
      { attribute: 'id', indexed: true, is_primary_key: true },
      { attribute: 'name', indexed: true, is_primary_key: false, type: 'String' },
      { attribute: 'age', indexed: false, is_primary_key: false },
    ],
  });
  await expect(
    t.call({ operation: 'insert', table: 'dog', records: [{ id: 1, colour: 'red' }] }),
  ).rejects.toMatchObject({
    code: 'invalid_request',
    message: "Attribute 'colour' is not declared on 'data.dog'",
  });
});

test.each(['__createdtime__', '__updatedtime__'])(
  '%s is a key only where no time is written',
  async (name) => {
    await using t = await openContext();

    await expect(t.call({ ...createDog, hash_attribute: name })).rejects.toMatchObject({
      code: 'invalid_request',
      message: `'primary_key' cannot be ${name}, where the time of each record is kept: choose another name, or declare the 'attributes'`,
    });
    expect(await t.call({ operation: 'describe_all' })).toEqual({});
    await t.call({ ...createDog, attributes: [{ name, is_primary_key: true }], hash_attribute: undefined });
    await t.call({ operation: 'insert', schema: 'dev', table: 'dog', records: [{ [name]: 5 }] });
    expect(await t.call({ operation: 'search_by_id', schema: 'dev', table: 'dog', ids: [5] })).toEqual([
      { [name]: 5 },
    ]);
  },
);

test('attributes are created and dropped, and what was dropped is gone from answers', async () => {
  await using t = await openContext();
  await t.call(createDog);
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1, name: 'Rex' }] });

  expect(await t.call({ operation: 'create_attribute', ...dog, attribute: 'is_adorable' })).toEqual({
    message: "attribute 'dev.dog.is_adorable' successfully created.",
  });
  expect(await t.call({ operation: 'drop_attribute', ...dog, attribute: 'name' })).toEqual({
    message: "successfully deleted attribute 'name'",
  });
  const found = await t.call({ operation: 'search_by_id', ...dog, ids: [1] });

  expect(found).toEqual([
    { id: 1, is_adorable: null, __createdtime__: expect.any(Number), __updatedtime__: expect.any(Number) },
  ]);
});

test('a dropped table can be made again, empty', async () => {
  await using t = await openContext();
  await t.call(createDog);
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1 }] });

  expect(await t.call({ operation: 'drop_table', ...dog })).toEqual({
    message: "successfully deleted table 'dev.dog'",
  });
  await t.call(createDog);

  expect(await t.call({ operation: 'search_by_id', ...dog, ids: [1] })).toEqual([]);
});

test.each([
  [{ operation: 'create_schema', schema: 'dev' }, 'database_exists', "database 'dev' already exists"],
  [
    { operation: 'create_schema', schema: 'DEV' },
    'invalid_name',
    "database 'DEV' differs only by case from the existing 'dev'",
  ],
  [{ operation: 'create_schema', schema: 12 }, 'invalid_request', "'schema' must be a string"],
  [{ operation: 'create_database', database: 12 }, 'invalid_request', "'schema' must be a string"],
  [
    { operation: 'create_schema', schema: 'a/b' },
    'invalid_request',
    "'schema' names cannot include backticks or forward slashes",
  ],
  [
    { operation: 'create_schema', schema: 'a`b' },
    'invalid_request',
    "'schema' names cannot include backticks or forward slashes",
  ],
  [
    { operation: 'create_schema', schema: 'x'.repeat(251) },
    'invalid_request',
    "'schema' cannot exceed 250 characters",
  ],
  [{ operation: 'create_schema', schema: '' }, 'invalid_request', "'schema' is not allowed to be empty"],
  [{ operation: 'drop_schema' }, 'invalid_request', "'database' is required"],
  [{ operation: 'drop_schema', schema: 'none' }, 'database_missing', "database 'none' does not exist"],
  [
    { operation: 'drop_schema', schema: 'system' },
    'forbidden',
    "The 'system' database, tables and records are used internally by HarperDB and cannot be updated or removed.",
  ],
  [
    { operation: 'drop_schema', schema: 'dev', replicated: true },
    'invalid_request',
    "'replicated' is not supported, run the operation on each node",
  ],
  [
    { operation: 'create_table', ...dog, hash_attribute: 'id' },
    'table_exists',
    "Table 'dog' already exists in 'dev'",
  ],
  [
    { operation: 'create_table', schema: 'dev', table: 'Dog', primary_key: 'id' },
    'invalid_name',
    "table 'Dog' differs only by case from the existing 'dog'",
  ],
  [
    { operation: 'create_table', schema: 1, table: 2, primary_key: 'id' },
    'invalid_request',
    "'schema' must be a string. 'table' must be a string",
  ],
  [
    { operation: 'create_table', schema: 'dev', table: 'cat' },
    'invalid_request',
    "'primary_key' is required",
  ],
  [{ operation: 'create_table', primary_key: 'id' }, 'invalid_request', "'table' is required"],
  [
    { operation: 'create_table', table: 'a/b', primary_key: 'id' },
    'invalid_request',
    "'table' names cannot include backticks or forward slashes",
  ],
  [
    { operation: 'create_table', table: 'cat', primary_key: 'id', attributes: 'name' },
    'invalid_request',
    "'attributes' must be an array",
  ],
  [
    {
      operation: 'create_table',
      table: 'cat',
      primary_key: 'id',
      attributes: [{ name: 'a' }, { name: 'a' }],
    },
    'invalid_request',
    "'attributes' names 'a' more than once",
  ],
  [
    { operation: 'drop_table', schema: 'dev', table: 'cat' },
    'table_missing',
    "Table 'dev.cat' does not exist",
  ],
  [
    { operation: 'drop_table', schema: 'none', table: 'cat' },
    'database_missing',
    "database 'none' does not exist",
  ],
  [{ operation: 'drop_table', schema: 'dev', table: 3 }, 'invalid_request', "'table' must be a string"],
  [
    { operation: 'create_attribute', ...dog, attribute: 'id' },
    'attribute_exists',
    "attribute 'id' already exists in dev.dog",
  ],
  [{ operation: 'create_attribute', ...dog }, 'invalid_request', "'attribute' is required"],
  [
    { operation: 'drop_attribute', ...dog, attribute: 'id' },
    'invalid_request',
    'You cannot drop a hash attribute',
  ],
  [
    { operation: 'drop_attribute', ...dog, attribute: '__createdtime__' },
    'invalid_request',
    'cannot drop internal timestamp attribute: __createdtime__',
  ],
  [
    { operation: 'drop_attribute', ...dog, attribute: 'x' },
    'attribute_missing',
    "Attribute 'x' does not exist on 'dev.dog'",
  ],
  [{ operation: 'describe_table', schema: 'dev' }, 'invalid_request', "'table' is required"],
  [
    { operation: 'describe_table', schema: 'dev', table: 'cat' },
    'table_missing',
    "Table 'dev.cat' does not exist",
  ],
  [{ operation: 'describe_schema', schema: 'none' }, 'database_missing', "database 'none' does not exist"],
])('%j is refused as %s and changes nothing', async (body, code, message) => {
  await using t = await openContext();
  await t.call(createDog);
  const before = await t.call({ operation: 'describe_all' });

  await expect(t.call(body)).rejects.toMatchObject({ code, message });

  expect(await t.call({ operation: 'describe_all' })).toEqual(before);
});

test('who is no super user is told which operation is restricted, and sees no table', async () => {
  await using t = await openContext();
  await t.call(createDog);

  const refused = await t
    .call({ operation: 'create_schema', schema: 'x' }, clusterUser)
    .catch((error: unknown) => error);
  const masked = await t
    .call({ operation: 'describe_table', ...dog }, clusterUser)
    .catch((error: unknown) => error);

  expect(refused).toBeInstanceOf(ForbiddenError);
  expect(refused).toMatchObject({
    unauthorizedAccess: ["Operation 'createSchema' is restricted to 'super_user' roles"],
    invalidSchemaItems: [],
  });
  expect(masked).toMatchObject({
    unauthorizedAccess: [],
    invalidSchemaItems: ["Table 'dev.dog' does not exist"],
  });
  expect(await t.call({ operation: 'describe_all' }, clusterUser)).toEqual({});
});

test.each([
  [
    { expiration: 60 },
    "'expiration' is not supported: leave it out, and remove old records with delete_records_before",
  ],
  [
    { attributes: [{ name: 'other', is_primary_key: true }] },
    "'primary_key' is 'id', and 'attributes' marks 'other' with is_primary_key: a table has one",
  ],
  [
    {
      hash_attribute: undefined,
      attributes: [
        { name: 'id', is_primary_key: true },
        { name: 'other', is_primary_key: true },
      ],
    },
    "'primary_key' is 'id', and 'attributes' marks 'other' with is_primary_key: a table has one",
  ],
])('create_table with %j says what to do instead', async (more, message) => {
  await using t = await openContext();

  await expect(t.call({ ...createDog, ...more })).rejects.toMatchObject({ code: 'invalid_request', message });
});

test('create_table without an expiration, said with null, is created', async () => {
  await using t = await openContext();

  expect(await t.call({ ...createDog, expiration: null })).toEqual({
    message: "table 'dev.dog' successfully created.",
  });
});

test('two databases that are made at once do not get names that differ only by case', async () => {
  await using t = await openContext();

  const outcomes = await Promise.allSettled([
    t.call({ operation: 'create_schema', schema: 'dev' }),
    t.call({ operation: 'create_schema', schema: 'Dev' }),
    t.call({ operation: 'create_table', schema: 'DEV', table: 'dog', hash_attribute: 'id' }),
  ]);

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(t.store.catalog.databases()).toEqual(['dev']);
});

test('the primary key of a table is not dropped, also where it was another attribute a moment ago', async () => {
  await using t = await openContext();
  const { catalog } = t.store;
  await t.call(createDog);
  await t.call({ operation: 'create_attribute', schema: 'dev', table: 'dog', attribute: 'name' });

  const made = [
    catalog.dropTable('dev', 'dog'),
    catalog.createTable({ database: 'dev', name: 'dog', primaryKey: 'name' }),
  ];
  const dropped = t.call({ operation: 'drop_attribute', schema: 'dev', table: 'dog', attribute: 'name' });

  await expect(dropped).rejects.toMatchObject({ code: 'invalid_request' });
  await Promise.all(made);
  expect(catalog.table('dev', 'dog')?.attributes).toContainEqual(
    expect.objectContaining({ name: 'name', dropped: false }),
  );
});
