import { expect, test, vi } from 'vitest';
import { encodeChanges, encodeDocument } from '../../../src/model/transaction-codec.ts';
import type { Store } from '../../../src/store/store.ts';
import { startHttpServer } from '../../../src/http/server.ts';
import { dog, makeDogs } from '../../operation/dog.ts';
import { putQuickUser } from '../../operation/quick-user.ts';
import { tableOf } from '../../store/test-store.ts';
import {
  admin,
  openServer,
  standardSettings,
  type TestServer,
  type TestServerOptions,
} from '../open-server.ts';
import { EventReader } from './event-reader.ts';
import { writeHeader } from '../../store/write-header.ts';

async function openWithDogs(options: TestServerOptions = {}): Promise<TestServer> {
  const t = await openServer(options);
  await makeDogs(t);
  return t;
}

const listen = (t: TestServer, lastEventId?: string): Promise<EventReader> =>
  EventReader.open(`${t.url}changes/dev/dog`, lastEventId);

async function insert(t: TestServer, ...ids: readonly unknown[]): Promise<void> {
  await t.post({
    operation: 'upsert',
    ...dog,
    records: ids.map((id) => ({ id, name: `dog ${String(id)}` })),
  });
}

/** One change of node n2, applied as replication applies it. */
async function applyFromPeer(store: Store, seq: number, key: number, version: number): Promise<void> {
  const table = tableOf(store);
  const origin = { name: 'n2', storeId: 'peer' };
  if (seq === 1) await store.putCursor('peer', table, { incarnation: 'i', seq: 0, id: '', copy: undefined });
  const bytes = encodeDocument({ id: key, name: 'from afar' });
  const applied = await store.apply({ table, peer: 'n2', storeId: 'peer', incarnation: 'i', newerThan: 0 }, [
    {
      kind: 'whole',
      seq,
      header: writeHeader(`AAAAAAAAAAAAAAA${seq}`, origin, version),
      originPlace: { incarnation: 'i', seq },
      parts: [],
      changes: encodeChanges([{ key, version, origin, base: null, bytes }]),
    },
  ]);
  expect(applied.stop).toBeUndefined();
}

test('every change comes in order with its id, version, origin and record', async () => {
  await using t = await openWithDogs();
  await insert(t, 0);
  using reader = await listen(t);
  const ready = await reader.next();

  await insert(t, 1, 2);
  await t.post({ operation: 'delete', ...dog, ids: [1] });

  expect(reader.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(ready).toMatchObject({ event: 'ready', data: { resumed: false } });
  const [first, second, third] = await reader.take(3);
  const common = { database: 'dev', table: 'dog', origin: 'n1' };
  expect(first).toMatchObject({
    event: 'message',
    data: { ...common, operation: 'put', id: 1, record: { id: 1, name: 'dog 1' } },
  });
  expect(second?.data).toMatchObject({ ...common, id: 2, current: true, record: { id: 2, name: 'dog 2' } });
  expect(third?.data).toMatchObject({ ...common, operation: 'delete', id: 1, current: true, record: null });
  expect(Number(third?.data['version'])).toBeGreaterThan(Number(first?.data['version']));
});

test('replicated changes come too, and one that lost says so', async () => {
  await using t = await openWithDogs();
  await insert(t, 1);
  using reader = await listen(t);
  await reader.next();

  await applyFromPeer(t.store, 1, 1, 1_000);
  await applyFromPeer(t.store, 2, 2, 2_000);

  const [lost, won] = await reader.take(2);
  expect(lost?.data).toMatchObject({ id: 1, version: 1_000, origin: 'n2', current: false });
  expect(won?.data).toMatchObject({
    ...{ id: 2, version: 2_000, origin: 'n2', current: true },
    record: { id: 2, name: 'from afar' },
  });
});

test('a listener goes on after the last event that it got, in the middle of a transaction and over a restart', async () => {
  await using t = await openWithDogs();
  using before = await listen(t);
  await before.next();
  await insert(t, 1, 2, 3);
  const [first] = await before.take(1);
  await t.server[Symbol.asyncDispose]();
  await writeDirectly(t.store, 4);

  await using restarted = await startHttpServer({
    ...standardSettings,
    services: t.services,
    health: () => t.health,
    log: (await import('pino')).pino({ level: 'silent' }),
  });
  using after = await EventReader.open(`http://127.0.0.1:${restarted.port}/changes/dev/dog`, first?.id);

  expect(await after.next()).toMatchObject({ event: 'ready', id: first?.id, data: { resumed: true } });
  expect((await after.take(3)).map(({ data }) => data['id'])).toEqual([2, 3, 4]);
});

async function writeDirectly(store: Store, id: number): Promise<void> {
  await store.write({ table: tableOf(store), operation: 'insert', documents: [{ id }] });
}

test('who comes back later than the log reaches is told, and goes on from now', async () => {
  await using t = await openWithDogs();
  using early = await listen(t);
  const { id } = await early.next();
  await insert(t, 1);
  await insert(t, 2);
  await t.store.purgeChannel(tableOf(t.store), { keep: 0 });

  using late = await listen(t, id);

  const gap = await late.next();
  expect(gap).toMatchObject({
    event: 'gap',
    data: { reason: expect.stringContaining('read the table again') },
  });
  await insert(t, 3);
  expect((await late.next()).data).toMatchObject({ id: 3 });
  using again = await listen(t, gap.id);
  expect((await again.next()).event).toBe('ready');
  expect((await again.next()).data).toMatchObject({ id: 3 });
});

test('an id of a table that was dropped and made again is of another history', async () => {
  await using t = await openWithDogs();
  using before = await listen(t);
  await before.next();
  await insert(t, 1);
  const { id } = await before.next();
  await t.post({ operation: 'drop_table', ...dog });
  await makeDogs(t);
  await insert(t, 1);

  using after = await listen(t, id);

  expect((await after.next()).event).toBe('gap');
});

test('an id that says more is left of a transaction than it has is of no event: a gap, and from now on', async () => {
  await using t = await openWithDogs();
  using before = await listen(t);
  await before.next();
  await insert(t, 1, 2);
  const [, last] = await before.take(2);

  using after = await listen(t, last?.id?.replace('.0.', '.3.'));

  expect((await after.next()).event).toBe('gap');
  await insert(t, 3);
  expect((await after.next()).data).toMatchObject({ id: 3 });
});

test('many listeners read the log once, not each', async () => {
  await using t = await openWithDogs();
  const readers = await Promise.all(Array.from({ length: 50 }, () => listen(t)));
  try {
    await Promise.all(readers.map((reader) => reader.next()));
    const reads = vi.spyOn(t.store.log, 'readChannel');

    await insert(t, 1);
    const events = await Promise.all(readers.map((reader) => reader.next()));

    expect(events.map(({ data }) => data['id'])).toEqual(readers.map(() => 1));
    await insert(t, 2);
    await Promise.all(readers.map((reader) => reader.next()));
    expect(reads.mock.calls.map(([, seq]) => seq)).toEqual([0, 1]);
  } finally {
    for (const reader of readers) reader[Symbol.dispose]();
  }
});

test('a user has 100 listeners, and leaves room for others', async () => {
  await using t = await openWithDogs();
  await putQuickUser(t.store, { username: 'bob', password: 'pass', role: 'super_user' });
  const readers = await Promise.all(Array.from({ length: 100 }, () => listen(t)));
  const url = `${t.url}changes/dev/dog`;
  const authorization = `Basic ${Buffer.from('bob:pass').toString('base64')}`;
  try {
    const refused = await fetch(url, { headers: { authorization: admin } });
    using other = await EventReader.open(url, undefined, { authorization });

    expect(refused.status).toBe(503);
    expect(await refused.json()).toEqual({
      error: '100 of your listeners are connected already, try again later',
    });
    expect((await other.next()).event).toBe('ready');
    readers.pop()?.[Symbol.dispose]();
    await vi.waitFor(async () => {
      using again = await listen(t);
      expect((await again.next()).event).toBe('ready');
    });
  } finally {
    for (const reader of readers) reader[Symbol.dispose]();
  }
});

test('a reader that takes nothing is dropped with an event that says how to go on', async () => {
  await using t = await openWithDogs({ changeTimes: { slowMs: 300 } });
  using reader = await listen(t);
  await reader.next();
  reader.response.socket.pause();

  const text = 'x'.repeat(1_000_000);
  for (let id = 0; id < 20; id += 1) {
    await t.post({ operation: 'insert', ...dog, records: [{ id, text }] });
  }
  await vi.waitFor(() => expect(t.logged.join()).toContain('slow listener dropped'), 10_000);
  reader.response.socket.resume();

  const events = [];
  try {
    for (;;) events.push(await reader.next());
  } catch {
    // The end of the stream.
  }
  const last = events.at(-1);
  expect(last).toMatchObject({ event: 'slow', data: { reason: expect.stringContaining('Last-Event-ID') } });
  expect(events.length).toBeLessThan(20);
  using again = await listen(t, events.findLast(({ id }) => id !== undefined)?.id);
  expect((await again.next()).event).toBe('ready');
  expect((await again.next()).data).toMatchObject({ id: events.length - 1 });
});

test('a quiet stream has heartbeats', async () => {
  await using t = await openWithDogs({ changeTimes: { heartbeatMs: 60 } });
  using reader = await listen(t);
  await reader.next();

  const event = reader.next();
  await vi.waitFor(() => expect(reader.comments.length).toBeGreaterThan(1));

  await insert(t, 1);
  expect((await event).data).toMatchObject({ id: 1 });
});

test.each([
  ['/changes/dev/cat', 404, "Table 'dev.cat' does not exist"],
  ['/changes/no/cat', 404, "database 'no' does not exist"],
  ['/changes/system/hdb_user', 400, "Changes of 'system' are not logged: listen to another table"],
])('%s is answered with %i', async (path, status, error) => {
  await using t = await openWithDogs();
  const response = await fetch(new URL(path, t.url), {
    headers: { authorization: `Basic ${btoa('admin:pass:word')}` },
  });

  expect([response.status, await response.json()]).toEqual([status, { error }]);
});

test('an id that is none of ours is refused', async () => {
  await using t = await openWithDogs();
  using reader = await listen(t, 'yesterday');

  expect(reader.response.statusCode).toBe(400);
});

test('strangers and users without the right to read learn nothing', async () => {
  await using t = await openWithDogs();
  await putQuickUser(t.store, { username: 'cluster', password: 'secret', role: 'cluster_user' });

  const stranger = await fetch(`${t.url}changes/dev/dog`);
  const other = await fetch(`${t.url}changes/dev/dog`, {
    headers: { authorization: `Basic ${btoa('cluster:secret')}` },
  });

  expect([stranger.status, stranger.headers.get('www-authenticate')]).toEqual([401, 'Basic']);
  expect([other.status, await other.json()]).toMatchObject([
    403,
    { invalid_schema_items: ["database 'dev' does not exist"] },
  ]);
});

test('a user who loses the right while listening is sent away', async () => {
  await using t = await openWithDogs({ changeTimes: { recheckMs: 50 } });
  using reader = await listen(t);
  await reader.next();

  await putQuickUser(t.store, { username: 'admin', password: 'another', role: 'super_user' });

  expect(await reader.next()).toMatchObject({ event: 'end', data: { reason: 'Login failed' } });
  await expect(reader.next()).rejects.toThrow('ended');
});

test('a stream ends with its table, and with the server', async () => {
  await using t = await openWithDogs({ changeTimes: { recheckMs: 50 } });
  await t.post({ operation: 'create_table', schema: 'dev', table: 'cat', primary_key: 'id' });
  using cats = await EventReader.open(`${t.url}changes/dev/cat`);
  using dogs = await listen(t);
  await Promise.all([cats.next(), dogs.next()]);

  await t.post({ operation: 'drop_table', schema: 'dev', table: 'cat' });
  expect(await cats.next()).toMatchObject({
    event: 'end',
    data: { reason: "Table 'dev.cat' does not exist" },
  });
  const closed = t.server[Symbol.asyncDispose]();
  expect(await dogs.next()).toMatchObject({
    event: 'end',
    data: { reason: expect.stringContaining('stopping') },
  });
  await closed;
});
