import { decode as decodeCbor, encode as encodeCbor } from 'cbor-x';
import { parse } from 'csv-parse/sync';
import { pack, unpack } from 'msgpackr';
import { expect, test } from 'vitest';
import { dog, makeDogs } from '../operation/dog.ts';
import { admin, openServer, type TestServer } from './open-server.ts';

const rex = { id: 1, name: 'Rex "the, 1st"', tags: ['a', 'b'], good: true, age: 2.5, owner: null };

async function openWithRex(): Promise<TestServer> {
  const t = await openServer();
  await makeDogs(t, [rex]);
  return t;
}

const search = {
  operation: 'search_by_value',
  ...dog,
  attribute: 'id',
  value: '*',
  get_attributes: ['id', 'name', 'tags', 'good', 'age', 'owner'],
};

function ask(
  t: TestServer,
  body: string | Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  return fetch(t.url, { method: 'POST', headers: { authorization: admin, ...headers }, body });
}

test.each([
  ['application/x-msgpack', unpack],
  ['application/msgpack', unpack],
  ['application/cbor', decodeCbor],
  ['application/json', (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown],
])('an answer comes as %s when the client accepts it', async (accept, decode) => {
  await using t = await openWithRex();

  const response = await ask(t, JSON.stringify(search), { accept });
  const refused = await ask(t, '{"operation":"nothing"}', { accept });

  expect(response.headers.get('content-type')).toContain(accept.replace('/msgpack', '/x-msgpack'));
  expect(decode(Buffer.from(await response.arrayBuffer()))).toEqual([rex]);
  expect([refused.status, decode(Buffer.from(await refused.arrayBuffer()))]).toEqual([
    400,
    { error: "Operation 'nothing' not found" },
  ]);
});

test.each([
  ['application/x-msgpack', unpack],
  ['application/cbor', decodeCbor],
  ['application/json', (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown],
])('attributes that are called like methods are data, as %s', async (accept, decode) => {
  await using t = await openServer();
  const [one, two] = [
    { id: 1, constructor: 'x' },
    { id: 2, toJSON: { of: ['x', { constructor: 'x' }] } },
  ];
  await makeDogs(t, [one, two]);

  const response = await ask(
    t,
    JSON.stringify({ ...search, get_attributes: ['id', 'constructor', 'toJSON'] }),
    { accept },
  );

  expect(response.status).toBe(200);
  expect(decode(Buffer.from(await response.arrayBuffer()))).toEqual([
    { ...one, toJSON: null },
    { ...two, constructor: null },
  ]);
});

test('an answer comes as CSV, an error even then as JSON', async () => {
  await using t = await openWithRex();
  const headers = { accept: 'text/csv' };

  const rows = await ask(t, JSON.stringify(search), headers);
  const sentence = await ask(t, '{"operation":"create_schema","schema":"more"}', headers);
  const refused = await ask(t, '{"operation":"nothing"}', headers);

  expect(rows.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(parse(await rows.text(), { columns: true })).toEqual([
    { id: '1', name: 'Rex "the, 1st"', tags: '["a","b"]', good: 'true', age: '2.5', owner: '' },
  ]);
  expect(await sentence.text()).toBe("message\ndatabase 'more' successfully created\n");
  expect([refused.status, await refused.json()]).toEqual([400, { error: "Operation 'nothing' not found" }]);
});

test('CSV quotes what ends a line for some reader', async () => {
  await using t = await openWithRex();
  await t.post({ operation: 'insert', ...dog, records: [{ id: 2, name: 'a\rb' }] });
  const query = { operation: 'sql', sql: 'SELECT id, name FROM dev.dog WHERE id = 2' };

  const rows = await ask(t, JSON.stringify(query), { accept: 'text/csv' });

  expect(await rows.text()).toBe('id,name\n2,"a\rb"\n');
});

test.each([
  ['application/x-msgpack', pack],
  ['application/cbor', encodeCbor],
])('a request is read as %s', async (type, encode) => {
  await using t = await openWithRex();
  const records = [
    { id: 2, big: 2 ** 40, small: -1, text: 'ü', at: new Date(0), nested: { list: [1, null] } },
  ];

  const response = await ask(t, encode({ operation: 'insert', ...dog, records }), { 'content-type': type });

  expect([response.status, await response.json()]).toMatchObject([200, { inserted_hashes: [2] }]);
  expect((await t.post({ operation: 'search_by_id', ...dog, ids: [2] })).body).toMatchObject([
    {
      id: 2,
      big: 2 ** 40,
      small: -1,
      text: 'ü',
      at: '1970-01-01T00:00:00.000Z',
      nested: { list: [1, null] },
    },
  ]);
});

const unsound = 'or it holds what JSON has no counterpart of.';

test.each([
  ['nothing', ''],
  ['half a value', '82a161'],
  ['two values', '0102'],
  ['bytes', 'c40161'],
  ['text that is no UTF-8', '81a161a3eda080'],
  ['an extension', 'd40001'],
  ['four thousand million elements in five bytes', 'ddffffffff'],
  ['many lists that each ask for much', 'dd01ffffff'.repeat(1_000)],
  ['depth', '91'.repeat(100_000) + '01'],
  ['a number that is none', 'cb7ff8000000000000'],
  ['a number beyond 2^53', 'cfffffffffffffffff'],
])('a MessagePack body of %s is answered with 400', async (_name, hex) => {
  await using t = await openServer();

  const response = await ask(t, Buffer.from(hex, 'hex'), { 'content-type': 'application/x-msgpack' });

  expect([response.status, await response.json()]).toEqual([
    400,
    { error: `Invalid MessagePack, ${unsound}` },
  ]);
});

test.each([
  ['nothing', ''],
  ['half a value', 'a26161'],
  ['two values', '0102'],
  ['bytes', '4161'],
  ['text that is no UTF-8', 'a1616163eda080'],
  ['an unknown tag', 'd864f6'],
  ['more elements than memory', '9b00000000ffffffff'],
  ['many lists that each ask for much', '9a01ffffff'.repeat(1_000)],
  ['depth', '81'.repeat(100_000) + '01'],
  ['a list that does not end', '9f01'],
  ['an end without a list', 'ff'],
  ['a number that is none', 'f97e00'],
])('a CBOR body of %s is answered with 400', async (_name, hex) => {
  await using t = await openServer();

  const response = await ask(t, Buffer.from(hex, 'hex'), { 'content-type': 'application/cbor' });

  expect([response.status, await response.json()]).toEqual([400, { error: `Invalid CBOR, ${unsound}` }]);
});

test.each([
  ['application/x-msgpack', '82a96f7065726174696f6ea178a95f5f70726f746f5f5f80'],
  ['application/cbor', 'a2696f7065726174696f6e6178695f5f70726f746f5f5fa0'],
])('%s with the name __proto__ is refused', async (type, hex) => {
  await using t = await openServer();

  const response = await ask(t, Buffer.from(hex, 'hex'), { 'content-type': type });

  expect([response.status, await response.json()]).toEqual([
    400,
    { error: 'Object contains forbidden prototype property' },
  ]);
});
