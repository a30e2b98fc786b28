import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Publisher } from '../../src/channel/publisher.ts';
import { channelReaders } from '../../src/channel/readers.ts';
import { runLoop } from '../../src/runtime/run-loop.ts';
import type { Store } from '../../src/store/store.ts';
import type { StreamServer, WritableStream } from '../../src/stream/channel-stream.ts';
import { quietStreams } from '../channel/quiet-streams.ts';
import { makeTable, TestStore, upsert } from '../store/test-store.ts';
import { overBudget } from './over-budget.ts';
import { row, rows } from './rows.ts';
import { atOnce } from './store-counter.ts';

/** The streams of a node, which count what is published. */
class CountedStreams implements StreamServer {
  /** Bytes of bodies: each message has headers of about 200 bytes besides. */
  readonly published = { messages: 0, bytes: 0 };
  readonly #streams = quietStreams();

  isClosed(): boolean {
    return false;
  }

  async list(): Promise<readonly string[]> {
    return this.#streams.server.list();
  }

  async open(channel: string): Promise<WritableStream> {
    const stream = await this.#streams.server.open(channel);
    return {
      ...stream,
      publish: async (head, body, sequence) => {
        this.published.messages += 1;
        this.published.bytes += body.length;
        return stream.publish(head, body, sequence);
      },
    };
  }
}

function publisherOf(store: Store, streams: StreamServer): Publisher {
  return new Publisher({
    store,
    database: 'dev',
    tableName: 'dog',
    streams: () => streams,
    readers: () => channelReaders([{ name: 'b', storeId: 'b', sources: [] }]),
    lowestCursor: () => 0,
    limits: { maxBytes: 1 << 30, maxAgeMs: 86_400_000 },
    maxMessageBytes: 1 << 20,
    makeLoop: runLoop,
    log: pino({ level: 'silent' }),
  });
}

async function untilPublished(store: Store, publisher: Publisher, seq: number): Promise<void> {
  const table = store.catalog.table('dev', 'dog');
  await vi.waitFor(
    () => {
      if (!table || !publisher.covers(table, seq)) throw new Error(`Number ${seq} is not published yet`);
    },
    { timeout: 15_000, interval: 1 },
  );
}

test.each([
  {
    load: '5,000 transactions of one row that have gathered',
    write: async (store: Store) => atOnce(64, 5_000, async (number) => upsert(store, row(number))),
    numbers: 5_000,
    budget: { messages: 3, bytes: 2_454_000 },
  },
  {
    load: '5 transactions of 1,000 rows that have gathered',
    write: async (store: Store) =>
      atOnce(1, 5, async (number) => upsert(store, ...rows(1_000, number * 1_000))),
    numbers: 5,
    budget: { messages: 3, bytes: 1_812_000 },
  },
])('what goes into the stream for $load', async ({ write, numbers, budget }) => {
  const streams = new CountedStreams();
  await using node = await TestStore.open();
  await makeTable(node.store);
  await write(node.store);
  await using publisher = publisherOf(node.store, streams);

  publisher.start();
  await untilPublished(node.store, publisher, numbers);

  expect(overBudget(streams.published, budget)).toEqual([]);
});

test('what goes into the stream for 200 rows as they are written', async () => {
  const streams = new CountedStreams();
  await using node = await TestStore.open();
  await makeTable(node.store);
  await using publisher = publisherOf(node.store, streams);
  publisher.start();

  for (let number = 1; number <= 200; number += 1) {
    await upsert(node.store, row(number));
    publisher.wake();
    await untilPublished(node.store, publisher, number);
  }

  expect(overBudget(streams.published, { messages: 200, bytes: 97_600 })).toEqual([]);
});
