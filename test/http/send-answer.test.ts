import { request as send, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { decode as decodeCbor } from 'cbor-x';
import { expect, test, vi } from 'vitest';
import { admin, openServer, type TestServer } from './open-server.ts';

const table = { schema: 'dev', table: 'reading' };
const text = 'x'.repeat(1_000);
const everything = { operation: 'search_by_value', ...table, attribute: 'id', value: '*' };

async function openWithReadings(count: number): Promise<TestServer> {
  const t = await openServer();
  await t.post({ operation: 'create_table', ...table, primary_key: 'id' });
  await t.post({
    operation: 'insert',
    ...table,
    records: Array.from({ length: count }, (_, id) => ({ id, text })),
  });
  return t;
}

/** The response as it comes, not decompressed. */
function ask(
  t: TestServer,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    send(t.url, { method: 'POST', headers: { authorization: admin, ...headers } }, resolve)
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test.each([
  ['br', brotliDecompressSync],
  ['gzip', gunzipSync],
])(
  'an answer above the threshold is compressed with %s, a shorter one is not',
  async (encoding, decompress) => {
    await using t = await openWithReadings(2);
    const headers = { 'accept-encoding': encoding };

    const long = await ask(t, everything, headers);
    const short = await ask(t, { ...everything, limit: 1 }, headers);
    const unwanted = await ask(t, everything);

    expect(long.headers).toMatchObject({ 'content-encoding': encoding, vary: 'Accept, Accept-Encoding' });
    expect(JSON.parse(decompress(await bytesOf(long)).toString())).toHaveLength(2);
    expect(short.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse((await bytesOf(short)).toString())).toHaveLength(1);
    expect(unwanted.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse((await bytesOf(unwanted)).toString())).toHaveLength(2);
  },
);

test.each(['identity', 'gzip', 'br'])(
  'a large search is streamed whole, in order, as %s',
  async (encoding) => {
    await using t = await openWithReadings(2_000);

    const response = await fetch(t.url, {
      method: 'POST',
      headers: { authorization: admin, 'accept-encoding': encoding },
      body: JSON.stringify(everything),
    });

    expect(response.headers.get('content-length')).toBeNull();
    const rows = (await response.json()) as { id: number; text: string }[];
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 2_000 }, (_, id) => id));
    expect(rows.every((row) => row.text === text)).toBe(true);
  },
);

test('a large search is streamed as CBOR and as CSV', async () => {
  await using t = await openWithReadings(500);

  const cbor = await bytesOf(await ask(t, everything, { accept: 'application/cbor' }));
  const csv = await bytesOf(
    await ask(t, { ...everything, get_attributes: ['id', 'text'] }, { accept: 'text/csv' }),
  );

  expect(decodeCbor(cbor)).toHaveLength(500);
  const lines = csv.toString().trimEnd().split('\n');
  expect([lines[0], lines.length, lines.at(-1)]).toEqual(['id,text', 501, `499,${text}`]);
});

test('rows are read no faster than the client takes them, while others are served', async () => {
  await using t = await openWithReadings(20_000);
  const before = process.memoryUsage().arrayBuffers;

  const response = await ask(t, everything);
  await new Promise((resolve) => response.once('readable', resolve));
  const other = await t.post({ operation: 'search_by_id', ...table, ids: [7] });

  // 20 MB of rows: what waits is what the sockets of the system and the streams hold.
  expect(other.body).toMatchObject([{ id: 7 }]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  expect(JSON.parse((await bytesOf(response)).toString())).toHaveLength(20_000);
});

test.each([
  ['rows that are sent as they are found', everything, 'application/json'],
  ['rows that are counted first', everything, 'application/x-msgpack'],
  ['a page', { ...everything, cursor: '' }, 'application/json'],
  ['a count', { operation: 'sql', sql: 'SELECT COUNT(*) FROM dev.reading' }, 'application/json'],
  ['keys to change', { operation: 'sql', sql: 'DELETE FROM dev.reading WHERE id > 5' }, 'application/json'],
])('others are served while a long search finds nothing: %s', async (_, body, accept) => {
  await using t = await openWithReadings(1);
  let isOtherServed = false;
  let pauses = 0;
  const search = vi.spyOn(t.store, 'searchWithPauses').mockImplementation(function* () {
    for (; !isOtherServed && pauses < 1_000_000; pauses += 1) yield undefined;
  });

  const long = ask(t, body, { accept });
  await vi.waitFor(() => expect(search).toHaveBeenCalled(), 10_000);
  const other = await t.post({ operation: 'search_by_id', ...table, ids: [0] });
  isOtherServed = true;

  expect(other.body).toMatchObject([{ id: 0 }]);
  expect((await long).statusCode).toBe(200);
  expect(pauses).toBeLessThan(1_000_000);
});

test.each(['application/json', 'application/x-msgpack'])(
  'a long search ends when its client is gone before anything was found: %s',
  async (accept) => {
    await using t = await openWithReadings(1);
    let pauses = 0;
    let isEnded = false;
    const search = vi.spyOn(t.store, 'searchWithPauses').mockImplementation(function* () {
      try {
        for (; pauses < 1_000_000; pauses += 1) yield undefined;
      } finally {
        isEnded = true;
      }
    });

    const headers = { authorization: admin, accept };
    const long = send(t.url, { method: 'POST', headers }).on('error', () => undefined);
    long.end(JSON.stringify(everything));
    await vi.waitFor(() => expect(search).toHaveBeenCalled(), 10_000);
    long.destroy();
    await vi.waitFor(() => expect(isEnded).toBe(true), 10_000);

    expect(pauses).toBeLessThan(1_000_000);
  },
);

test('an error in the middle ends the connection: the answer never looks whole', async () => {
  await using t = await openWithReadings(2_000);
  const real = t.store.searchWithPauses.bind(t.store);
  vi.spyOn(t.store, 'searchWithPauses').mockImplementation(function* (...args) {
    let left = 1_000;
    for (const document of real(...args)) {
      left -= 1;
      if (left === 0) throw new Error('the disk is gone');
      yield document;
    }
  });

  const response = await ask(t, everything);

  expect(response.statusCode).toBe(200);
  await expect(bytesOf(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
  await vi.waitFor(() => expect(t.logged.join()).toContain('the disk is gone'), 10_000);
});

test('a record that is deleted while an answer is sent does not break it', async () => {
  await using t = await openWithReadings(5_000);

  const response = await ask(t, { ...everything, sort: { attribute: 'id' } });
  await new Promise((resolve) => response.once('readable', resolve));
  await t.post({ operation: 'delete', ...table, ids: [4_998] });
  await t.post({ operation: 'insert', ...table, records: [{ id: 9_999, text }] });

  const ids = (JSON.parse((await bytesOf(response)).toString()) as { id: number }[]).map(({ id }) => id);
  expect(ids.slice(0, 4_998)).toEqual(Array.from({ length: 4_998 }, (_, id) => id));
  expect(ids).toContain(4_999);
});

test(
  'sorts whose clients leave at once keep none of the memory that all sorts share',
  { timeout: 60_000 },
  async () => {
    await using t = await openServer();
    await t.post({ operation: 'create_table', ...table, primary_key: 'id' });
    const documents = Array.from({ length: 8 }, (_, id) => ({ id, at: -id, text: 'x'.repeat(7_000_000) }));
    const stored = t.store.catalog.table('dev', 'reading');
    if (!stored) throw new Error('There is no table');
    await t.store.write({ table: stored, operation: 'insert', documents });
    const sorted = {
      ...everything,
      operation: 'search_by_conditions',
      sort: { attribute: 'at' },
      conditions: [],
    };
    const all = { ...sorted, conditions: [{ attribute: 'id', comparator: 'greater_than_equal', value: 0 }] };

    for (let time = 0; time < 6; time += 1) {
      const response = await ask(t, all);
      expect(response.statusCode).toBe(200);
      response.destroy();
    }

    await vi.waitFor(async () => {
      const [one, other] = await Promise.all([ask(t, all), ask(t, all)]);
      expect([one.statusCode, other.statusCode]).toEqual([200, 200]);
      one.destroy();
      other.destroy();
    }, 20_000);
  },
);
