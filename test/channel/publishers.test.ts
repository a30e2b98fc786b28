import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Publishers } from '../../src/channel/publishers.ts';
import type { NodeRow } from '../../src/model/node.ts';
import { runLoop } from '../../src/runtime/run-loop.ts';
import type { StreamLimits } from '../../src/stream/channel-stream.ts';
import { Random } from '../simulation/random.ts';
import { Streams } from '../simulation/streams.ts';
import { tearNodeRow } from '../store/tear-node-row.ts';
import { makeTable, TestStore, upsert } from '../store/test-store.ts';

const limits = { maxBytes: 1 << 30, maxAgeMs: 86_400_000 };

/** A node that publishes to its peers, and the streams of its nats-server. */
class Publishing implements AsyncDisposable {
  readonly node: TestStore;
  readonly streams = new Streams({
    random: new Random(1),
    maxMessageBytes: 1 << 20,
    ackLoss: () => 0,
    crashPoint: () => {},
    onMessage: () => {},
  });
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
    const row: NodeRow = {
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
    await this.node.store.nodes.put(row);
    await this.update();
  }

  async update(): Promise<void> {
    await this.#publishers.update(this.node.store.nodes.known());
    this.#publishers.wake();
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

  /** The bridge starts again. */
  async restart(changed: StreamLimits = limits, meanwhile?: () => Promise<void>): Promise<void> {
    await this.#publishers[Symbol.asyncDispose]();
    await this.node.reopen({}, meanwhile);
    this.streams.restart();
    this.#publishers = this.#make(changed);
    await this.update();
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
      lowestCursor: () => 0,
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
