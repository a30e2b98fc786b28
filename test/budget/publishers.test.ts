import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Publishers } from '../../src/channel/publishers.ts';
import type { RunLoopOptions } from '../../src/runtime/run-loop.ts';
import { quietStreams } from '../channel/quiet-streams.ts';
import { makeTable, tableOf, TestStore } from '../store/test-store.ts';
import { StoreCounter } from './store-counter.ts';

/** Publishers of so many tables, all of which follow so many peers, of which each round is stepped by hand. */
class Hub implements AsyncDisposable {
  readonly #counter: StoreCounter;
  readonly #node: TestStore;
  readonly #names: readonly string[];
  readonly #bodies: RunLoopOptions['body'][] = [];
  readonly publishers: Publishers;
  woken = 0;

  private constructor(counter: StoreCounter, node: TestStore, names: readonly string[]) {
    this.#counter = counter;
    this.#node = node;
    this.#names = names;
    const { store } = node;
    const streams = quietStreams();
    this.publishers = new Publishers({
      store,
      streams: () => streams.server,
      rows: () => store.nodes.known(),
      toldCursors: () => [],
      limits: { maxBytes: 1 << 30, maxAgeMs: 86_400_000 },
      maxMessageBytes: 1 << 20,
      makeLoop: ({ body }) => {
        this.#bodies.push(body);
        return { start: () => {}, wake: () => (this.woken += 1), [Symbol.asyncDispose]: async () => {} };
      },
      log: pino({ level: 'silent' }),
    });
  }

  static async open(peers: number, tables: number): Promise<Hub> {
    const counter = new StoreCounter();
    const node = await TestStore.open({ wrap: counter.wrap });
    const names = Array.from({ length: tables }, (_, index) => `table-${index}`);
    for (const name of names) await makeTable(node.store, name);
    const hub = new Hub(counter, node, names);
    for (let peer = 0; peer < peers; peer += 1)
      await node.store.nodes.put({
        name: `peer-${peer}`,
        addedVersion: 1,
        subscriptions: names.map((table) => ({
          database: 'dev',
          table,
          publish: true,
          subscribe: false,
          version: 1,
        })),
      });
    await hub.publishers.update();
    await hub.round();
    for (const name of names)
      for (let peer = 0; peer < peers; peer += 1) await hub.#follow(`peer-${peer}`, name);
    hub.woken = 0;
    return hub;
  }

  async #follow(peer: string, table: string): Promise<void> {
    const place = await this.publishers.provideConsumer(peer, tableOf(this.#node.store, table), 0);
    if (!place) throw new Error(`${peer} has no place in the stream of ${table}`);
  }

  /** Of every publisher. */
  async round(): Promise<void> {
    for (const body of this.#bodies) while (await body(new AbortController().signal));
  }

  /** Entries that are read meanwhile. */
  async reads(act: () => Promise<void>): Promise<number> {
    return (await this.#counter.reading(act)).entries;
  }

  async write(): Promise<void> {
    const { store } = this.#node;
    const table = tableOf(store, this.#names[0]);
    await store.write({ table, operation: 'upsert', documents: [{ id: 1 }] });
  }

  /** Nothing is published to the first peer any more. */
  async part(): Promise<void> {
    await this.#node.store.nodes.put({ name: 'peer-0', addedVersion: 1, subscriptions: [] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.publishers[Symbol.asyncDispose]();
    await this.#node[Symbol.asyncDispose]();
  }
}

test('what publishers read without anything to publish grows with the channels, and not with the peers', async () => {
  await using few = await Hub.open(2, 4);
  await using manyPeers = await Hub.open(12, 4);
  await using manyTables = await Hub.open(2, 16);

  const reads = await few.reads(() => few.round());

  expect(await manyPeers.reads(() => manyPeers.round())).toBe(reads);
  expect(await manyTables.reads(() => manyTables.round())).toBe(4 * reads);
});

test('a transaction is published without a look at any peer', async () => {
  await using few = await Hub.open(2, 4);
  await using many = await Hub.open(12, 4);
  await few.write();
  await many.write();

  const reads = await few.reads(() => few.round());

  expect(await many.reads(() => many.round())).toBe(reads);
});

test('a commit wakes the publishers of its channels and no others, but all where somebody may read no more', async () => {
  await using hub = await Hub.open(2, 8);

  hub.publishers.committed();
  expect(hub.woken).toBe(0);

  await hub.write();
  hub.publishers.committed();
  expect(hub.woken).toBe(1);

  await hub.round();
  await hub.part();
  hub.publishers.committed();
  expect(hub.woken).toBe(1 + 8);
});
