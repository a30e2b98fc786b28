import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { admin, openServer, type TestServer } from './open-server.ts';

const dog = { schema: 'dev', table: 'dog' };

async function openWithDogs(options: Parameters<typeof openServer>[0] = {}): Promise<TestServer> {
  const t = await openServer(options);
  await t.post({ operation: 'create_table', ...dog, primary_key: 'id' });
  await t.post({ operation: 'insert', ...dog, records: [{ id: 1, name: 'Rex' }] });
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

test('records that are nested too deeply are refused', async () => {
  await using t = await openWithDogs();
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);

  const response = await t.postText(
    `{"operation":"insert","schema":"dev","table":"dog","records":[{"id":2,"a":${deep}}]}`,
  );

  expect([response.status, await response.json()]).toEqual([
    400,
    { error: "Attribute 'a' is nested deeper than 200 levels" },
  ]);
  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [1, 2] })).body).toMatchObject([{ id: 1 }]);
});

test('a client that is slow with its body is cut off', async () => {
  await using t = await openServer({ requestTimeoutMs: 200, headersTimeoutMs: 100 });

  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(t.server.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString())).on('close', () => resolve(received));
    socket.on('error', reject);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
  });

  expect(text).toMatch(/^HTTP\/1\.1 4/);
});
