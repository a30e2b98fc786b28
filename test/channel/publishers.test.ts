import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Consumers } from '../../src/channel/consumers.ts';
import type { WireCursor } from '../../src/channel/wire-fields.ts';
import { Publishers } from '../../src/channel/publishers.ts';
import type { NodeRow } from '../../src/model/node.ts';
import type { Table } from '../../src/model/table.ts';
import { runLoop } from '../../src/runtime/run-loop.ts';
import type { StreamLimits, WritableStream } from '../../src/stream/channel-stream.ts';
import { quietStreams } from './quiet-streams.ts';
import { tearNodeRow } from '../store/tear-node-row.ts';
import { makeTable, TestStore, upsert } from '../store/test-store.ts';

const limits = { maxBytes: 1 << 30, maxAgeMs: 86_400_000 };

function rowOf(name: string, ...tables: readonly string[]): NodeRow {
  return {
    name,
    addedVersion: 1,
    subscriptions: tables.map((table) => ({
      database: 'dev',
      table,
      publish: true,
      subscribe: false,
      version: 1,
    })),
  };
}

/** A node that publishes to its peers, and the streams of its nats-server. */
class Publishing implements AsyncDisposable {
  readonly node: TestStore;
  readonly streams = quietStreams({ onMessage: (channel) => this.#heard.push(this.readers(channel)) });
  readonly #heard: (readonly string[])[] = [];
  #publishers: Publishers;

  private constructor(node: TestStore) {
    this.node = node;
    this.#publishers = this.#make(limits);
  }

  static async open(): Promise<Publishing> {
    const node = await TestStore.open();
    for (const table of ['dog', 'cat']) await makeTable(node.store, table);
    await upsert(node.store, { id: 1 });
    return new Publishing(node);
  }

  async peer(name: string, ...tables: readonly string[]): Promise<void> {
    await this.node.store.nodes.put(rowOf(name, ...tables));
    await this.update();
  }

  get #table(): Table {
    return this.node.store.catalog.table('dev', 'dog') ?? expect.fail('no table');
  }

  /** Peers that have a place in the stream. */
  readers(channel = 'dev:dog'): readonly string[] {
    return ['a', 'b'].filter((name) => this.streams.hasConsumer(channel, name));
  }

  async follow(...peers: readonly string[]): Promise<void> {
    for (const peer of peers)
      await vi.waitFor(async () => (await this.placeOf(peer)) ?? expect.fail('no place in the stream yet'));
  }

  async placeOf(peer: string): Promise<unknown> {
    return this.#publishers.provideConsumer(peer, this.#table, 0);
  }

  /** Writes a record; who could have read it in the stream. */
  async readersOf(id: number): Promise<readonly string[]> {
    this.#heard.length = 0;
    await upsert(this.node.store, { id });
    this.#publishers.wake();
    return vi.waitFor(() => this.#heard[0] ?? expect.fail('nothing was published'));
  }

  /** The hint that follows a commit. */
  committed(): void {
    this.#publishers.committed();
  }

  async update(): Promise<void> {
    await this.#publishers.update();
    this.#publishers.wake();
  }

  async messages(): Promise<number | undefined> {
    const stream = await this.streams.server.open('dev:dog');
    return (await stream.state())?.messages;
  }

  async list(): Promise<readonly string[]> {
    return [...(await this.streams.server.list())].toSorted();
  }

  async until(...channels: readonly string[]): Promise<void> {
    await vi.waitFor(
      async () => {
        const names = await this.list();
        if (names.join() !== channels.join()) throw new Error(`The streams are ${names.join()}`);
      },
      { timeout: 10_000 },
    );
  }

  /** The bridge starts again, and nats-server. */
  async restart(changed: StreamLimits = limits, meanwhile?: () => Promise<void>): Promise<void> {
    await this.restartBridge(async () => {
      this.streams.restart();
      await meanwhile?.();
    }, changed);
  }

  async restartBridge(meanwhile?: () => Promise<void>, changed = limits): Promise<void> {
    await this.#publishers[Symbol.asyncDispose]();
    await this.node.reopen({}, meanwhile);
    this.#publishers = this.#make(changed);
    await this.update();
  }

  /** What somebody says who follows from the beginning. */
  #begin(channel: string): WireCursor {
    const { catalog, identity } = this.node.store;
    const incarnation = catalog.table('dev', channel.slice('dev:'.length))?.incarnation ?? '';
    return { storeId: identity.storeId, incarnation, seq: 0, id: '' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#publishers[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
  }

  #make(of: StreamLimits): Publishers {
    return new Publishers({
      store: this.node.store,
      streams: () => this.streams.server,
      rows: () => this.node.store.nodes.known(),
      toldCursors: (channel) => [this.#begin(channel)],
      limits: of,
      maxMessageBytes: 1 << 20,
      makeLoop: runLoop,
      log: pino({ level: 'silent' }),
    });
  }
}

test('a stream goes with the last subscription that needs it', async () => {
  await using publishing = await Publishing.open();
  await publishing.update();
  await publishing.peer('a', 'dog', 'cat');
  await publishing.peer('b', 'dog');
  await publishing.until('dev:cat', 'dev:dog');

  await publishing.peer('a');

  expect(await publishing.list()).toEqual(['dev:dog']);
  await publishing.peer('b');
  expect(await publishing.list()).toEqual([]);
});

test('a stream goes with its table, and is there again with the next one', async () => {
  await using publishing = await Publishing.open();
  const { store } = publishing.node;
  await publishing.peer('a', 'dog', 'cat');
  await publishing.until('dev:cat', 'dev:dog');

  await store.catalog.dropTable('dev', 'dog');
  await publishing.update();

  expect(await publishing.list()).toEqual(['dev:cat']);
  await makeTable(store);
  await publishing.update();
  await publishing.until('dev:cat', 'dev:dog');
});

test('what was left by an earlier run goes with the next connection, and nothing that is no channel', async () => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.until('dev:dog');
  for (const name of ['dev:gone', 'theirs'])
    await (await publishing.streams.server.open(name)).create({ storeId: 's', incarnation: 'i' }, limits);

  await publishing.restart();

  expect(await publishing.list()).toEqual(['dev:dog', 'theirs']);
});

test('no stream goes while a row cannot be read: it may be wanted there', async () => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.peer('b', 'cat');
  await publishing.until('dev:cat', 'dev:dog');

  await publishing.restart(limits, () => tearNodeRow(publishing.node.path, 'b'));
  expect(await publishing.list()).toEqual(['dev:cat', 'dev:dog']);

  await publishing.peer('b');
  expect(await publishing.list()).toEqual(['dev:dog']);
});

test('a stream takes the limits that the configuration has now', async () => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.until('dev:dog');
  const lower = { ...limits, maxBytes: 1 << 20 };

  await publishing.restart(lower);

  const stream = await publishing.streams.server.open('dev:dog');
  await vi.waitFor(async () => expect(await stream.state()).toMatchObject({ limits: lower, messages: 1 }), {
    timeout: 10_000,
  });
});

const dog = { database: 'dev', table: 'dog', publish: true, subscribe: true, version: 2 };

test.each<{ readonly what: string; readonly end: Partial<NodeRow> }>([
  { what: 'publishes it to it no more', end: { subscriptions: [{ ...dog, publish: false }] } },
  { what: 'has ended all with it', end: { subscriptions: [] } },
  { what: 'has dropped the table', end: { subscriptions: [{ ...dog, stopped: 'dropped here' }] } },
  { what: 'has removed it', end: { subscriptions: [], removedVersion: 2 } },
])('nothing goes to the stream while a peer could read it there though the node $what', async ({ end }) => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.peer('b', 'dog');
  await publishing.follow('a', 'b');
  expect(await publishing.readersOf(2)).toEqual(['a', 'b']);

  // As soon as it is said, before anything that runs has been made to fit.
  await publishing.node.store.nodes.put({ ...rowOf('a'), ...end });

  expect(await publishing.readersOf(3)).toEqual(['b']);
});

test('a peer that may read no more loses its place also where nothing is written', async () => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.peer('b', 'dog');
  await publishing.follow('a', 'b');

  await publishing.peer('a');

  await vi.waitFor(() => expect(publishing.readers()).toEqual(['b']));
});

test('a peer whose row cannot be read any more loses its place as soon as that is noticed', async () => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.peer('b', 'dog');
  await publishing.follow('a', 'b');
  await tearNodeRow(publishing.node.path, 'a');

  await publishing.update();

  expect(await publishing.readersOf(2)).toEqual(['b']);
});

test('what is committed goes to the stream by the hint alone, and a table that is made again has a stream again', async () => {
  await using publishing = await Publishing.open();
  const { store } = publishing.node;
  await publishing.peer('a', 'dog');
  await publishing.follow('a');

  await upsert(store, { id: 2 });
  publishing.committed();
  await vi.waitFor(async () => expect(await publishing.messages()).toBe(2));

  await store.catalog.dropTable('dev', 'dog');
  await makeTable(store);
  for (const id of [1, 2, 3]) await upsert(store, { id });
  publishing.committed();
  await vi.waitFor(async () => expect(await publishing.messages()).toBe(1));
});

test('a hint of a commit that comes when the store is closed is no error', async () => {
  const publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.follow('a');

  await publishing[Symbol.asyncDispose]();

  expect(() => publishing.committed()).not.toThrow();
});

test('what ended while the bridge was down has ended when it goes on with the stream', async () => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.peer('b', 'dog');
  await publishing.follow('a', 'b');

  await publishing.node.store.nodes.put(rowOf('a'));
  await publishing.restartBridge();

  expect(await publishing.readersOf(2)).toEqual(['b']);
});

test('a place in the stream that is being made when the agreement ends goes as well', async () => {
  const stream = await bareStream();
  const consumers = new Consumers();
  let isReady = (): void => {};
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const slow = {
    ...stream,
    provideConsumer: async (name: string, sequence: number) => {
      await ready;
      await stream.provideConsumer(name, sequence);
    },
  };

  const provided = consumers.provide(slow, 'a', 1);
  const kept = consumers.keepOnly(slow, () => new Set(['b']));
  isReady();
  await Promise.all([provided, kept]);

  expect(await stream.consumers()).toEqual([]);
});

test('a peer whose agreement has ended while its place was sought gets none', async () => {
  await using publishing = await Publishing.open();
  await publishing.peer('a', 'dog');
  await publishing.peer('b', 'dog');
  await publishing.follow('b');

  await publishing.node.store.nodes.put(rowOf('a'));

  expect(await publishing.placeOf('a')).toBeUndefined();
  expect(publishing.readers()).toEqual(['b']);
});

test('a peer that may read no more since it was looked at goes as well', async () => {
  const stream = await bareStream();
  const consumers = new Consumers();
  const readers = new Set(['a', 'b']);
  for (const name of ['a', 'ended', 'b']) await consumers.provide(stream, name, 1);
  const removing: WritableStream = {
    ...stream,
    removeConsumer: async (name) => {
      readers.delete('a');
      await stream.removeConsumer(name);
    },
  };

  await consumers.keepOnly(removing, () => readers);

  expect(await stream.consumers()).toEqual(['b']);
});

test('a peer that may read since the others were looked at keeps its place', async () => {
  const stream = await bareStream();
  const consumers = new Consumers();
  const readers = new Set(['b']);
  await consumers.provide(stream, 'ended', 1);
  const removing: WritableStream = {
    ...stream,
    removeConsumer: async (name) => {
      readers.add('a');
      await consumers.provide(stream, 'a', 1);
      await stream.removeConsumer(name);
    },
  };

  await consumers.keepOnly(removing, () => readers);

  expect(await stream.consumers()).toEqual(['a']);
});

async function bareStream(): Promise<WritableStream> {
  const streams = quietStreams();
  const stream = await streams.server.open('dev:dog');
  await stream.create({ storeId: 's', incarnation: 'i' }, limits);
  return stream;
}
