import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { dog, makeDogs } from '../operation/dog.ts';
import { heldBytes } from './collect-garbage.ts';
import { admin, openServer } from './open-server.ts';

const megabyte = 2 ** 20;

/** A body of about 100 MB that is never whole in memory here. `beforeLast` is called when most of it was taken. */
async function* hundredMegabytes(
  begin: string,
  end: string,
  beforeLast: () => void = () => undefined,
): AsyncGenerator<Buffer> {
  yield Buffer.from(begin);
  const piece = Buffer.alloc(megabyte, 'x');
  for (let sent = 0; sent < 100; sent += 1) yield piece;
  beforeLast();
  yield Buffer.from(end);
}

function upload(url: string, body: AsyncIterable<Buffer>, authorization: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    body: ReadableStream.from(body) as ReadableStream<Uint8Array>,
    duplex: 'half',
  });
}

test('of 100 MB that a stranger sends nothing is kept', { timeout: 60_000 }, async () => {
  await using t = await openServer();
  const before = heldBytes();
  let during = Infinity;

  const body = hundredMegabytes('{"operation":"', '"}', () => (during = heldBytes()));
  const response = await upload(t.url, body, '');

  expect([response.status, await response.json()]).toEqual([401, { error: 'Must login' }]);
  expect(during - before).toBeLessThan(16 * megabyte);
});

test.each([
  ['{"operation":"insert","schema":"dev","table":"dog","records":[{"id":2,"text":"', '"}]}', 413],
  ['{"operation":"insert","schema":"dev","table":"dog","records":[{"id":2,"text":"', '"', 400],
  ['{"operation":"search_by_id","schema":"dev","table":"dog","ids":["', '"]}', 200],
  ['{"operation":"drop_table","schema":"dev","table":"', '"}', 404],
])('100 MB in %s are answered and change nothing', { timeout: 60_000 }, async (begin, end, status) => {
  await using t = await openServer();
  await makeDogs(t, [{ id: 1 }]);

  const response = await upload(t.url, hundredMegabytes(begin, end), admin);

  expect(response.status).toBe(status);
  await response.arrayBuffer();
  const all = { operation: 'search_by_value', ...dog, attribute: 'id', value: '*' };
  expect((await t.post(all)).body).toMatchObject([{ id: 1 }]);
});

test('bodies that come byte by byte do not keep others waiting, and are cut off in time', async () => {
  await using t = await openServer({ requestTimeoutMs: 1_000, headersTimeoutMs: 500 });
  const slow = await Promise.all(Array.from({ length: 50 }, () => slowRequest(t.server.port ?? 0)));

  const startedAt = performance.now();
  expect((await t.post({ operation: 'describe_all' })).status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(1_000);

  const answers = await Promise.all(slow.map(({ answered }) => answered));
  expect(answers.filter((text) => !text.startsWith('HTTP/1.1 408'))).toEqual([]);
});

/** Has its headers through, and sends one byte of its body every 20 ms until it is cut off. */
async function slowRequest(port: number): Promise<{ readonly answered: Promise<string> }> {
  const socket: Socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\nauthorization: ${admin}\r\ncontent-length: 100000\r\n\r\n`);
  const drip = setInterval(() => socket.write(' '), 20);
  const answered = new Promise<string>((resolve) => {
    socket.once('close', () => {
      clearInterval(drip);
      resolve(text);
    });
  });
  return { answered };
}
