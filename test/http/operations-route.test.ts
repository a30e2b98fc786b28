import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { maxBodyValues } from '../../src/http/body-shape.ts';
import { dog, makeDogs } from '../operation/dog.ts';
import { admin, openServer, type TestServer } from './open-server.ts';

async function openWithDogs(options: Parameters<typeof openServer>[0] = {}): Promise<TestServer> {
  const t = await openServer(options);
  await makeDogs(t, [{ id: 1, name: 'Rex' }]);
  return t;
}

test('an operation is answered with its time and, when it is a sentence, as a message', async () => {
  await using t = await openServer();

  const response = await t.postText('{"operation":"create_schema","schema":"dev"}');

  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('server-timing')).toMatch(/^db;dur=\d+\.\d\d$/);
  expect(await response.json()).toEqual({ message: "database 'dev' successfully created" });
});

test.each([
  [{ operation: 'xyz' }, 400, { error: "Operation 'xyz' not found" }],
  [{}, 400, { error: "Request body must include an 'operation' property." }],
  [[], 400, { error: 'Invalid JSON.' }],
  [{ operation: 'insert', ...dog }, 400, { error: "'records' is required" }],
  [
    { operation: 'insert', schema: 'dev', table: 'cat', records: [] },
    400,
    { error: "Table 'dev.cat' does not exist" },
  ],
  [{ operation: 'insert', ...dog, records: [5] }, 400, { error: "'records[0]' must be an object" }],
  [
    { operation: 'delete', schema: 'dev', table: 'cat', ids: [] },
    404,
    { error: "Table 'dev.cat' does not exist" },
  ],
  [{ operation: 'search_by_hash', ...dog, hash_values: 1 }, 500, { error: "'hash_values' must be an array" }],
  [
    { operation: 'create_table', ...dog, primary_key: 'id' },
    400,
    { error: "Table 'dog' already exists in 'dev'" },
  ],
  [
    { operation: 'create_table', schema: 1, table: 2 },
    400,
    { error: "'schema' must be a string. 'table' must be a string" },
  ],
  [{ operation: 'drop_schema', schema: 'no' }, 404, { error: "database 'no' does not exist" }],
  [
    { operation: 'drop_schema', schema: 'system' },
    403,
    {
      error:
        "The 'system' database, tables and records are used internally by HarperDB and cannot be updated or removed.",
    },
  ],
])('%j is answered with %i and changes nothing', async (body, status, answer) => {
  await using t = await openWithDogs();
  const before = await t.post({ operation: 'describe_all' });

  expect(await t.post(body)).toEqual({ status, body: answer });

  expect(await t.post({ operation: 'describe_all' })).toEqual(before);
});

test.each([
  ['', 'Invalid JSON.'],
  ['{"operation":"insert"', 'Invalid JSON.'],
  ['null', 'Invalid JSON.'],
  ['"insert"', 'Invalid JSON.'],
  [Buffer.from('7b226f7065726174696f6e223a22ff227d', 'hex'), 'Invalid JSON.'],
  [
    '{"operation":"insert","table":"t","records":[{"__proto__":{"a":1}}]}',
    'Object contains forbidden prototype property',
  ],
  ['{"operation":"x","\\u005f_proto__":{"a":1}}', 'Object contains forbidden prototype property'],
  ['{"operation":"x","constructor":{"prototype":{"a":1}}}', 'Object contains forbidden prototype property'],
])('the body %j is answered with 400', async (text, error) => {
  await using t = await openServer();

  const response = await t.postText(text);

  expect([response.status, await response.json()]).toEqual([400, { error }]);
  expect(Object.hasOwn(Object.prototype, 'a')).toBe(false);
});

const halfPair = 'The request holds text with one half of a surrogate pair';
const tooLargeNumber = 'The request holds a number that is too large';

test.each([
  ['{"id":"\\ud800"}', halfPair],
  ['{"id":2,"name":"x\\udc00y"}', halfPair],
  ['{"id":2,"\\uDBFF":1}', halfPair],
  ['{"id":2,"n":1e400}', tooLargeNumber],
  ['{"id":2,"n":-12.5E+0309}', tooLargeNumber],
  [`{"id":2,"n":${'9'.repeat(309)}}`, tooLargeNumber],
  [`{"id":2,"n":${'9'.repeat(250)}e60}`, tooLargeNumber],
])('the record %s, which could not be stored as it is, is refused', async (record, error) => {
  await using t = await openWithDogs();

  const response = await t.postText(
    `{"operation":"insert","schema":"dev","table":"dog","records":[${record}]}`,
  );

  expect([response.status, await response.json()]).toEqual([400, { error }]);
  const all = { operation: 'search_by_value', ...dog, attribute: 'id', value: '*' };
  expect((await t.post(all)).body).toMatchObject([{ id: 1 }]);
});

const wide = (token: string): string =>
  `The number ${token} would be kept as another one: send it as text, in quotes`;

test.each([
  ['{"id":9007199254740993}', wide('9007199254740993')],
  ['{"id":2,"n":[-9007199254740993]}', wide('-9007199254740993')],
  [String.raw`{"id":2,"a":"\\","b":"\"","n": 12345678901234567890 }`, wide('12345678901234567890')],
  ['{"id":2,"n":9007199254740993,"n":1}', wide('9007199254740993')],
])('the record %j, whose integer a double would change, is refused', async (record, error) => {
  await using t = await openWithDogs();
  const records = `[{"id":9007199254740992},${record}]`;

  const response = await t.postText(
    `{"operation":"upsert","schema":"dev","table":"dog","records":${records}}`,
  );

  expect([response.status, await response.json()]).toEqual([400, { error }]);
  const all = { operation: 'search_by_value', ...dog, attribute: 'id', value: '*' };
  expect((await t.post(all)).body).toMatchObject([{ id: 1 }]);
});

test('integers that a double holds, floats of any length and digits in texts are stored as they are', async () => {
  await using t = await openWithDogs();
  const values = [
    ...['9007199254740991', '9007199254740992', '-9007199254740994', '123456789012345680000'],
    ...['10000000000000000000000', '0.12345678901234567890', '12345678901234567.5', '90071992547409930e2'],
    ...['1e-0000000000000000005', '1E+0000000000000000005'],
    ...['"9007199254740993"', String.raw`"x\\\" 9007199254740993"`],
  ];

  await t.postText(
    `{"operation":"insert","schema":"dev","table":"dog","records":[{"id":2,"values":[${values.join()}]}]}`,
  );

  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [2] })).body).toMatchObject([
    { values: JSON.parse(`[${values.join()}]`) as unknown },
  ]);
});

test('a record whose key is -0 is that of 0, however it is asked for', async () => {
  await using t = await openWithDogs();
  const ask = async (fields: string): Promise<unknown> => {
    const response = await t.postText(`{"schema":"dev","table":"dog",${fields}}`);
    return response.json();
  };
  const search = '"get_attributes":["id","name"]';
  const condition = '"search_attribute":"id","search_type":"equals","search_value":-0';

  await ask('"operation":"insert","records":[{"id":-0,"name":"Zero"}]');

  for (const found of [
    await ask(`"operation":"search_by_id","ids":[-0],${search}`),
    await ask(`"operation":"search_by_id","ids":[0],${search}`),
    await ask(`"operation":"search_by_value","attribute":"id","value":-0,${search}`),
    await ask(`"operation":"search_by_conditions","conditions":[{${condition}}],${search}`),
  ])
    expect(found).toEqual([{ id: 0, name: 'Zero' }]);
  expect(await ask('"operation":"delete","ids":[-0]')).toMatchObject({ deleted_hashes: [0] });
  expect(await ask(`"operation":"search_by_id","ids":[0],${search}`)).toEqual([]);
});

test('whole surrogate pairs and large numbers are stored as they are', async () => {
  await using t = await openWithDogs();
  const record = { id: 2, text: '\u{1f600}', large: 1.5e308 };

  await t.postText(
    `{"operation":"insert","schema":"dev","table":"dog","records":[{"id":2,"text":"\\ud83d\\ude00","large":1.5e308}]}`,
  );

  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [2] })).body).toMatchObject([record]);
});

test('brackets in a text do not count as depth', async () => {
  await using t = await openWithDogs();
  const text = `"${'['.repeat(1_000)}\\\\`;

  await t.post({ operation: 'insert', ...dog, records: [{ id: 2, text }] });

  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [2] })).body).toMatchObject([{ text }]);
});

test.each([
  ['an operation', `{"operation":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  [
    'conditions',
    `{"operation":"search_by_conditions","schema":"dev","table":"dog","conditions":[${'{"operator":"and","conditions":['.repeat(5_000)}1${']}'.repeat(5_000)}]}`,
  ],
  [
    'a sort',
    `{"operation":"search_by_value","schema":"dev","table":"dog","attribute":"id","value":1,"sort":${'{"attribute":"id","next":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
  ],
])('%s nested five thousand deep is refused', async (_name, text) => {
  await using t = await openWithDogs();

  const response = await t.postText(text);

  expect([response.status, await response.json()]).toEqual([
    400,
    { error: 'The request is nested deeper than 256 levels' },
  ]);
});

test.each([
  ['application/json', Buffer.from(`{"operation":"insert","records":[${'0,'.repeat(maxBodyValues)}0]}`)],
  [
    'application/x-msgpack',
    Buffer.concat([Buffer.from([0xdd, 0x00, 0x80, 0x00, 0x01]), Buffer.alloc(maxBodyValues + 1)]),
  ],
])(
  'a body in %s of more values than memory has room for is refused before it is parsed',
  async (type, body) => {
    await using t = await openWithDogs();

    const response = await fetch(t.url, {
      method: 'POST',
      headers: { authorization: admin, 'content-type': type },
      body,
    });

    expect([response.status, await response.json()]).toEqual([
      413,
      { error: `The request holds more than ${maxBodyValues} values: send it in several parts` },
    ]);
  },
);

test('names of attributes that cannot be turned into text are refused', async () => {
  await using t = await openWithDogs();
  const search = { operation: 'search_by_id', ...dog, ids: [1], get_attributes: ['id', { toString: null }] };

  expect(await t.post(search)).toEqual({
    status: 400,
    body: { error: "'get_attributes[1]' must be a string" },
  });
});

test('what has a length that cannot be compared is no text', async () => {
  await using t = await openServer();

  expect(await t.post({ operation: 'sql', sql: { length: { toString: 1 } } })).toEqual({
    status: 400,
    body: { error: 'A field has a value of the wrong type' },
  });
});

const long = 'x'.repeat(5_000);

test.each([
  [{ operation: 'search_by_id', ...dog, ids: [long, 1] }, 200, [{ id: 1 }]],
  [{ operation: 'search_by_value', ...dog, attribute: 'id', value: long }, 200, []],
  [
    {
      operation: 'search_by_conditions',
      ...dog,
      conditions: [{ attribute: 'id', comparator: 'less_than', value: long }],
    },
    200,
    [],
  ],
  [{ operation: 'delete', ...dog, ids: [long] }, 200, { deleted_hashes: [], skipped_hashes: [long] }],
  [{ operation: 'get_job', id: long }, 200, []],
  [{ operation: 'drop_user', username: long }, 404, { error: `User ${long} does not exist` }],
  [{ operation: 'drop_role', id: long }, 404, { error: 'Role not found' }],
  [
    { operation: 'resolve_conflict', id: long, action: 'dismiss' },
    404,
    { error: `There is no conflict '${long}'` },
  ],
  [
    { operation: 'skip_quarantined', id: long },
    404,
    { error: `There is no quarantined transaction '${long}'` },
  ],
])('$0.operation finds nothing under what is too long for a key', async (body, status, answer) => {
  await using t = await openWithDogs();

  expect(await t.post(body)).toMatchObject({ status, body: answer });
});

test.each([
  { operation: 'create_attribute', ...dog, attribute: '__proto__' },
  { operation: 'create_table', schema: 'dev', table: 'cat', primary_key: '__proto__' },
  { operation: 'sql', sql: "UPDATE dev.dog SET __proto__ = 'x' WHERE id = 1" },
])('no attribute is called __proto__, which would be stored under another name: %j', async (body) => {
  await using t = await openWithDogs();
  const before = await t.post({ operation: 'describe_all' });

  expect(await t.post(body)).toEqual({
    status: 400,
    body: { error: expect.stringMatching(/cannot be __proto__$/) },
  });
  expect(await t.post({ operation: 'describe_all' })).toEqual(before);
});

test('text that only looks like a forbidden name is stored as it is', async () => {
  await using t = await openWithDogs();

  await t.post({ operation: 'insert', ...dog, records: [{ id: 2, text: '__proto__', constructor: 'Ford' }] });

  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [2] })).body).toMatchObject([
    { id: 2, text: '__proto__', constructor: 'Ford' },
  ]);
});

test('a body over the limit is answered with 413, announced or not, and nothing is written', async () => {
  await using t = await openWithDogs({ bodyLimitBytes: 10_000 });
  const body = JSON.stringify({
    operation: 'insert',
    ...dog,
    records: [{ id: 2, text: 'x'.repeat(1_000_000) }],
  });

  const announced = await t.postText(body);
  const streamed = await fetch(t.url, {
    method: 'POST',
    headers: { authorization: admin },
    body: new Blob([body]).stream(),
    duplex: 'half',
  });

  for (const response of [announced, streamed]) {
    expect([response.status, await response.json()]).toEqual([
      413,
      { error: 'Request body is too large: at most 10000 bytes are accepted' },
    ]);
  }
  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [2] })).body).toEqual([]);
});

test('a transaction over the limit of the store is answered with 413', async () => {
  await using t = await openWithDogs();
  const records = Array.from({ length: 70 }, (_, id) => ({ id: id + 10, text: 'x'.repeat(2 ** 20) }));

  const answer = await t.post({ operation: 'insert', ...dog, records });

  expect(answer.status).toBe(413);
  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [10] })).body).toEqual([]);
});

test('a bug is answered without its text, which is logged', async () => {
  await using t = await openWithDogs();
  await t.store[Symbol.asyncDispose]();

  const response = await t.post({ operation: 'describe_all' });

  expect(response).toEqual({
    status: 500,
    body: { error: 'There was an error processing your request. Check logs and try again.' },
  });
  expect(t.logged.join()).toMatch(/"msg":"request failed"/);
});

test.each([
  [210, "Attribute 'a' is nested deeper than 200 levels"],
  [200_000, 'The request is nested deeper than 256 levels'],
])('records that are nested %i deep are refused', async (depth, error) => {
  await using t = await openWithDogs();
  const deep = '['.repeat(depth) + ']'.repeat(depth);

  const response = await t.postText(
    `{"operation":"insert","schema":"dev","table":"dog","records":[{"id":2,"a":${deep}}]}`,
  );

  expect([response.status, await response.json()]).toEqual([400, { error }]);
  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [1, 2] })).body).toMatchObject([{ id: 1 }]);
});

test('a client that is slow with its body is cut off', async () => {
  await using t = await openServer({ requestTimeoutMs: 200, headersTimeoutMs: 100 });

  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(t.server.port ?? 0, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString())).on('close', () => resolve(received));
    socket.on('error', reject);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
  });

  expect(text).toMatch(/^HTTP\/1\.1 4/);
});
