import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readUsualWrite, writeRequest } from '../../src/operation/record/write-request.ts';
import { isPasswordHash } from '../../src/operation/user/password.ts';
import { dog, makeDogs } from './dog.ts';
import { clusterUser, openContext, type TestContext } from './open-context.ts';

async function openWithDogs(): Promise<TestContext> {
  const t = await openContext();
  await makeDogs(t);
  return t;
}

async function stored(t: TestContext): Promise<unknown> {
  return await t.call({ operation: 'search_by_value', ...dog, attribute: 'id', value: '*' });
}

test('what can be no key is refused before the commit, so no other write of its group runs again', async () => {
  await using t = await openWithDogs();
  const long = 'é'.repeat(451);
  const tooLong = 'A primary key may have at most 900 bytes; one has 902';
  const reserved = 'A primary key cannot include the control characters U+0000 to U+0004';
  const insert = (id: string): object => ({ operation: 'insert', ...dog, records: [{ id: 1 }, { id }] });
  const requests: (readonly [object, string])[] = [
    [insert(long), tooLong],
    [insert('a\u0003'), reserved],
    [{ ...insert(long), operation: 'update' }, tooLong],
    [{ ...insert('\0'), operation: 'upsert' }, reserved],
    [{ operation: 'transaction', operations: [insert(long)] }, tooLong],
    [{ operation: 'sql', sql: `INSERT INTO dev.dog (id) VALUES ('${long}')` }, tooLong],
    [{ operation: 'sql', sql: String.raw`INSERT INTO dev.dog (id) VALUES ('a\0')` }, reserved],
  ];
  const release = await t.store.hold();

  try {
    for (const [request, message] of requests)
      await expect(t.call(request)).rejects.toMatchObject({ code: 'invalid_key', message });
  } finally {
    release();
  }
  expect(await stored(t)).toEqual([]);
});

test('insert tells what it wrote and skips keys that exist, also within the request', async () => {
  await using t = await openWithDogs();

  const first = await t.call({ operation: 'insert', ...dog, records: [{ id: 9, name: 'Rex' }] });
  const second = await t.call({
    operation: 'insert',
    ...dog,
    records: [{ id: 8 }, { id: 9, name: 'Max' }, { id: 8, name: 'Tim' }],
  });

  expect(first).toEqual({ message: 'inserted 1 of 1 records', inserted_hashes: [9], skipped_hashes: [] });
  expect(second).toEqual({
    message: 'inserted 1 of 3 records',
    inserted_hashes: [8],
    skipped_hashes: [9, 8],
  });
  expect(await stored(t)).toMatchObject([
    { id: 8, name: null },
    { id: 9, name: 'Rex' },
  ]);
});

test('a missing or empty key is drawn', async () => {
  await using t = await openWithDogs();

  const answer = await t.call({
    operation: 'insert',
    ...dog,
    records: [{ name: 'a' }, { id: '', name: 'b' }],
  });

  expect(answer).toEqual({
    message: 'inserted 2 of 2 records',
    inserted_hashes: [expect.stringMatching(/^[0-9a-f-]{36}$/), expect.stringMatching(/^[0-9a-f-]{36}$/)],
    skipped_hashes: [],
  });
});

test('update merges into what is there and skips what is not', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1, name: 'Rex', age: 3 }] });

  const answer = await t.call({
    operation: 'update',
    ...dog,
    records: [
      { id: 1, age: 4 },
      { id: 100, age: 1 },
    ],
  });

  expect(answer).toEqual({ message: 'updated 1 of 2 records', update_hashes: [1], skipped_hashes: [100] });
  expect(await stored(t)).toMatchObject([{ id: 1, name: 'Rex', age: 4 }]);
});

test('upsert has no list of skipped records', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 8, name: 'Rex' }] });

  const answer = await t.call({ operation: 'upsert', ...dog, records: [{ id: 8, age: 1 }, { id: 10 }, {}] });

  expect(answer).toEqual({
    message: 'upserted 3 of 3 records',
    upserted_hashes: [8, 10, expect.stringMatching(/^[0-9a-f-]{36}$/)],
  });
});

test('delete counts in the singular for one record and skips unknown keys', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1 }, { id: 2 }, { id: 3 }] });

  expect(await t.call({ operation: 'delete', ...dog, hash_values: [1, 2] })).toEqual({
    message: '2 of 2 records successfully deleted',
    deleted_hashes: [1, 2],
    skipped_hashes: [],
  });
  expect(await t.call({ operation: 'delete', ...dog, ids: [3] })).toEqual({
    message: '1 of 1 record successfully deleted',
    deleted_hashes: [3],
    skipped_hashes: [],
  });
  expect(await t.call({ operation: 'delete', ...dog, ids: [1, 7] })).toEqual({
    message: '0 of 2 records successfully deleted',
    deleted_hashes: [],
    skipped_hashes: [1, 7],
  });
});

test('values are stored as they are, and 0, "011" and "00011" are three keys', async () => {
  await using t = await openWithDogs();
  const values = { a: 0, b: '', c: ' ', d: false, e: null, f: { x: [1] }, g: [], h: '.', '123': '..' };

  const answer = await t.call({
    operation: 'insert',
    ...dog,
    records: [{ id: 0, ...values }, { id: '011' }, { id: '00011' }],
  });

  expect(answer).toMatchObject({ inserted_hashes: [0, '011', '00011'] });
  expect(
    await t.call({ operation: 'search_by_id', ...dog, ids: [0, '0', '00011'], get_attributes: ['id', 'f'] }),
  ).toEqual([
    { id: 0, f: { x: [1] } },
    { id: '00011', f: null },
  ]);
  expect(await t.call({ operation: 'search_by_id', ...dog, ids: [0] })).toMatchObject([{ id: 0, ...values }]);
});

test('names of database and table may be numbers in a write', async () => {
  await using t = await openContext();
  await t.call({ operation: 'create_table', schema: '123', table: '4', primary_key: 'id' });

  expect(await t.call({ operation: 'insert', schema: 123, table: 4, records: [{ id: 1 }] })).toMatchObject({
    inserted_hashes: [1],
  });
  expect(await t.call({ operation: 'delete', schema: 123, table: 4, ids: [1] })).toMatchObject({
    deleted_hashes: [1],
  });
});

test('supplied timestamps are ignored', async () => {
  await using t = await openWithDogs();

  await t.call({
    operation: 'insert',
    ...dog,
    records: [{ id: 1, __createdtime__: 5, __updatedtime__: 'x' }],
  });

  const [record] = Array.from(t.store.search(t.store.catalog.table('dev', 'dog') ?? expect.fail(), {}));
  expect(record?.['__createdtime__']).toBeGreaterThan(1e12);
  expect(record?.['__updatedtime__']).toBe(record?.['__createdtime__']);
});

test.each([
  [{ operation: 'insert', schema: 'dev', records: [] }, 'invalid_request', "'table' is required"],
  [{ operation: 'insert', ...dog }, 'invalid_request', "'records' is required"],
  [{ operation: 'insert', schema: 'dev' }, 'invalid_request', "'table' is required. 'records' is required"],
  [{ operation: 'insert', ...dog, records: { id: 5 } }, 'invalid_request', "'records' must be an array"],
  [
    { operation: 'insert', ...dog, records: [{ id: 5 }, 'x'] },
    'invalid_request',
    "'records[1]' must be an object",
  ],
  [
    { operation: 'insert', ...dog, records: [{ id: 5 }, null] },
    'invalid_request',
    "'records[1]' must be an object",
  ],
  [{ operation: 'upsert', ...dog, records: [[1]] }, 'invalid_request', "'records[0]' must be an object"],
  [
    { operation: 'insert', schema: 'none', table: 'dog', records: [] },
    'invalid_request',
    "database 'none' does not exist",
  ],
  [
    { operation: 'insert', schema: 'dev', table: 'cat', records: [] },
    'invalid_request',
    "Table 'dev.cat' does not exist",
  ],
  [
    { operation: 'insert', ...dog, records: [{ id: 5 }, { id: 6, 'a/b': 1 }] },
    'invalid_name',
    'Attribute names cannot include backticks or forward slashes',
  ],
  [
    { operation: 'upsert', ...dog, records: [{ id: 5, ['x'.repeat(251)]: 1 }] },
    'invalid_name',
    `transaction aborted due to attribute name ${'x'.repeat(251)} being too long. Attribute names cannot be longer than 250 bytes.`,
  ],
  [
    { operation: 'insert', ...dog, records: [{ id: 5 }, { id: 'null' }] },
    'invalid_key',
    "Invalid hash value: 'null' is not a valid hash attribute value, check log for more info",
  ],
  [
    { operation: 'upsert', ...dog, records: [{ id: 'undefined' }] },
    'invalid_key',
    "Invalid hash value: 'undefined' is not a valid hash attribute value, check log for more info",
  ],
  [
    { operation: 'insert', ...dog, records: [{ id: { a: 1 } }] },
    'invalid_key',
    `Invalid hash value: '{"a":1}' is not a valid hash attribute value, check log for more info`,
  ],
  [
    { operation: 'update', ...dog, records: [{ id: 1, name: 'new' }, { name: 'Max' }] },
    'invalid_key',
    'a valid hash attribute must be provided with update record, check log for more info',
  ],
  [{ operation: 'delete', ...dog }, 'invalid_request', "'hash_values' is required"],
  [{ operation: 'delete', ...dog, ids: 1 }, 'invalid_request', "'hash_values' must be an array"],
  [
    { operation: 'delete', ...dog, ids: [1, null] },
    'invalid_request',
    "'hash_values[1]' must be a string or a number",
  ],
  [
    { operation: 'delete', schema: 'dev', table: 'cat', ids: [1] },
    'table_missing',
    "Table 'dev.cat' does not exist",
  ],
  [
    { operation: 'delete', schema: 'none', table: 'cat', ids: [1] },
    'database_missing',
    "database 'none' does not exist",
  ],
  [
    {
      operation: 'transaction',
      operations: [{ operation: 'delete', schema: 'system', table: 'hdb_nodes', ids: ['x'] }],
    },
    'invalid_request',
    "Rows of 'system.hdb_nodes' are changed one request at a time, or with add_node, update_node and remove_node",
  ],
])('%j is refused as %s and nothing is written', async (body, code, message) => {
  await using t = await openWithDogs();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1, name: 'Rex' }] });
  const before = await stored(t);
  const describedBefore = await t.call({ operation: 'describe_all' });

  await expect(t.call(body)).rejects.toMatchObject({ code, message });

  expect(await stored(t)).toEqual(before);
  expect(await t.call({ operation: 'describe_all' })).toEqual(describedBefore);
});

test('what was archived is searched and deleted like any record, and cannot be written', async () => {
  await using t = await openContext();
  const archive = { schema: 'system', table: 'hdb_archive' };
  const row = { id: 'a1', schema: 'dev', table: 'dog', hash_value: 1, record: { id: 1, name: 'Rex' } };
  await t.store.replaceSystemDocument('hdb_archive', 'a1', row);
  const ofDogs = { operation: 'search_by_value', ...archive, attribute: 'table', value: 'dog' };

  expect(await t.call(ofDogs)).toMatchObject([row]);
  for (const operation of ['insert', 'update', 'upsert'])
    await expect(
      t.call({ operation, ...archive, records: [{ id: 'a1', record: {} }] }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  expect(await t.call({ operation: 'delete', ...archive, ids: ['a1'] })).toEqual({
    message: '1 of 1 record successfully deleted',
    deleted_hashes: ['a1'],
    skipped_hashes: [],
  });

  expect(await t.call(ofDogs)).toEqual([]);
});

test('a role without rights neither reads nor writes', async () => {
  await using t = await openWithDogs();

  for (const body of [
    { operation: 'insert', ...dog, records: [{ id: 1 }] },
    { operation: 'delete', ...dog, ids: [1] },
    { operation: 'search_by_id', ...dog, ids: [1] },
  ]) {
    await expect(t.call(body, clusterUser)).rejects.toMatchObject({ code: 'forbidden' });
  }
  expect(await stored(t)).toEqual([]);
});

test('a password that is written as a row is hashed and never shown', async () => {
  await using t = await openContext();
  const users = { schema: 'system', table: 'hdb_user' };

  await t.call({
    operation: 'insert',
    ...users,
    records: [{ username: 'bob', password: 'secret', role: 'super_user', scram: 'verifier' }],
  });

  const table = t.store.catalog.table('system', 'hdb_user') ?? expect.fail('no table of users');
  expect(isPasswordHash(String(t.store.get(table, 'bob')?.['password']))).toBe(true);
  const answers = [
    await t.call({ operation: 'search_by_id', ...users, ids: ['bob'], get_attributes: ['*', 'password'] }),
    await t.call({
      operation: 'search_by_id',
      ...users,
      ids: ['bob'],
      get_attributes: ['username', 'password', 'scram'],
    }),
    await t.call({ operation: 'search_by_value', ...users, attribute: 'username', value: '*' }),
    await t.call({ operation: 'read_transaction_log', ...users }),
  ];
  expect(answers[1]).toEqual([{ username: 'bob' }]);
  expect(JSON.stringify(answers)).not.toMatch(/scrypt|verifier|secret/);
  await expect(
    t.call({ operation: 'search_by_value', ...users, attribute: 'password', value: 'scrypt*' }),
  ).rejects.toMatchObject({ message: "unknown attribute 'password'" });
});

test('the transaction log lists writes and deletes with who made them', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1, name: 'Rex' }] });
  await t.call({ operation: 'update', ...dog, records: [{ id: 1, age: 2 }] });
  await t.call({ operation: 'delete', ...dog, ids: [1] });

  const log = await t.call({ operation: 'read_transaction_log', ...dog });
  const two = await t.call({ operation: 'read_transaction_log', ...dog, limit: 2 });

  expect(log).toMatchObject([
    { operation: 'insert', user: 'local', records: [{ id: 1, name: 'Rex' }] },
    { operation: 'update', user: 'local', records: [{ id: 1, age: 2 }] },
    { operation: 'delete', user: 'local', hash_values: [1] },
  ]);
  expect(two).toHaveLength(2);
  await expect(t.call({ operation: 'read_transaction_log', ...dog, limit: 0 })).rejects.toMatchObject({
    message: "'limit' must be greater than or equal to 1",
  });
});

test('the transaction log tells what a transaction put and what it deleted, each by itself', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1, name: 'Rex' }] });
  const operations = [
    { operation: 'insert', ...dog, records: [{ id: 2, name: 'Fido' }] },
    { operation: 'delete', ...dog, ids: [1] },
  ];
  await t.call({ operation: 'transaction', operations });

  const log = await t.call({ operation: 'read_transaction_log', ...dog });
  const two = await t.call({ operation: 'read_transaction_log', ...dog, limit: 2 });

  const [, { timestamp }] = log as [unknown, { timestamp: number }];
  expect(log).toEqual([
    expect.objectContaining({ operation: 'insert' }),
    {
      operation: 'upsert',
      user: 'local',
      timestamp,
      records: [expect.objectContaining({ id: 2, name: 'Fido' })],
    },
    { operation: 'delete', user: 'local', timestamp, hash_values: [1] },
  ]);
  expect(two).toEqual((log as unknown[]).slice(0, 2));
});

test('what is read without the schema is what the schema makes of it', () => {
  const name = fc.oneof(fc.string(), fc.integer(), fc.constantFrom(undefined, null, ''));
  const record = fc.oneof(
    { weight: 5, arbitrary: fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }) },
    fc.jsonValue(),
  );
  const body = fc.record({
    schema: name,
    table: name,
    records: fc.oneof({ weight: 5, arbitrary: fc.array(record) }, fc.jsonValue()),
    other: fc.jsonValue(),
  });
  const outcomes = new Set<string>();

  fc.assert(
    fc.property(body, (sent) => {
      const usual = readUsualWrite(sent);
      outcomes.add(usual === undefined ? 'left to the schema' : 'read');
      if (usual !== undefined) expect(usual).toEqual(writeRequest.parse(sent));
    }),
    { numRuns: 500 },
  );
  expect(outcomes.size).toBe(2);
});
