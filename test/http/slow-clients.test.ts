import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Time } from '../store/time.ts';
import { admin, openServer, type TestServer } from './open-server.ts';

const table = { schema: 'dev', table: 'dog' };
const everything = { operation: 'search_by_value', ...table, attribute: 'id', value: '*' };
const records = 1_000;

/** 30 MB: more than what waits in the sockets of the system. Nothing is let go before the test says so. */
async function openWithDogs(time: Time, maxReaders?: number): Promise<TestServer> {
  const t = await openServer({ later: time.later, ...(maxReaders !== undefined && { maxReaders }) });
  await t.post({ operation: 'create_table', ...table, primary_key: 'id' });
  const text = 'x'.repeat(30_000);
  await t.post({
    operation: 'insert',
    ...table,
    records: Array.from({ length: records }, (_, id) => ({ id, text })),
  });
  return t;
}

/** Clients that ask for everything and take nothing of it; before each answer somebody writes. */
class SlowClients implements Disposable {
  readonly #sockets: Socket[] = [];

  async add(t: TestServer): Promise<Socket> {
    const { port, hostname } = new URL(t.url);
    const body = JSON.stringify(everything);
    await write(t);
    const socket = connect(Number(port), hostname).on('error', () => {});
    this.#sockets.push(socket);
    socket.write(
      `POST / HTTP/1.1\r\nhost: a\r\nauthorization: ${admin}\r\nconnection: close\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, 'readable');
    return socket;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function write(t: TestServer): Promise<void> {
  const stored = t.store.catalog.table('dev', 'dog');
  if (!stored) throw new Error('There is no table');
  await t.store.write({ table: stored, operation: 'upsert', documents: [{ id: 0, at: performance.now() }] });
}

const readOne = { operation: 'search_by_id', ...table, ids: [7] };

async function rest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test('a read that finds no slot answers 503 with the reason, until slow answers have let go', async () => {
  const time = new Time();
  await using t = await openWithDogs(time, 6);
  using clients = new SlowClients();
  let refused: { readonly status: number; readonly body: unknown } | undefined;

  for (let count = 0; count < 20 && refused === undefined; count += 1) {
    await clients.add(t).catch(() => undefined);
    await write(t).catch(() => undefined);
    const answer = await t.post(readOne, admin);
    if (answer.status !== 200) refused = answer;
  }
  await time.pass();

  expect(refused).toEqual({
    status: 503,
    body: { error: 'Too many answers are being read at once, try again' },
  });
  expect(await t.post(readOne, admin)).toMatchObject({ status: 200 });
});

test('more slow clients than there are slots keep nobody from reading, and get their whole answer', async () => {
  const time = new Time();
  await using t = await openWithDogs(time, 6);
  using clients = new SlowClients();
  const first = await clients.add(t);
  for (let count = 1; count < 12; count += 1) {
    await time.pass();
    await clients.add(t);
    await write(t);
    expect(await t.post(readOne, admin)).toMatchObject({ status: 200, body: [{ id: 7 }] });
  }

  const ids = (await rest(first)).match(/"id":\d+/g);
  expect(ids).toEqual(Array.from({ length: records }, (_, id) => `"id":${id}`));
});
