import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Publisher } from '../../src/channel/publisher.ts';
import { channelReaders } from '../../src/channel/readers.ts';
import { runLoop } from '../../src/runtime/run-loop.ts';
import { deferred } from '../../src/runtime/deferred.ts';
import type { StreamServer, WritableStream } from '../../src/stream/channel-stream.ts';
import { quietStreams } from './quiet-streams.ts';
import { makeTable, tableOf, TestStore, upsert } from '../store/test-store.ts';

const maxMessageBytes = 10_000;

/** A publisher of dev.dog and its stream, of which single calls can be made to go wrong. */
class Publishing implements AsyncDisposable {
  readonly node: TestStore;
  readonly publisher: Publisher;
  readonly streams = quietStreams({ maxMessageBytes });
  /** Messages that were read, and streams that were begun. */
  readonly counts = { read: 0, begun: 0 };
  headAt: WritableStream['headAt'] | undefined;
  publish: ((sequence: number) => Promise<void>) | undefined;

  private constructor(node: TestStore) {
    this.node = node;
    const server: StreamServer = {
      isClosed: () => false,
      list: async () => this.streams.server.list(),
      open: async (channel) => this.#watched(await this.streams.server.open(channel)),
    };
    this.publisher = new Publisher({
      store: node.store,
      database: 'dev',
      tableName: 'dog',
      streams: () => server,
      readers: () => channelReaders([{ name: 'b', storeId: 'b', sources: [] }]),
      lowestCursor: () => 0,
      limits: { maxBytes: 1 << 30, maxAgeMs: 86_400_000 },
      maxMessageBytes,
      makeLoop: runLoop,
      log: pino({ level: 'silent' }),
    });
  }

  /** With so many transactions in the stream, each in a message of its own. */
  static async open(count: number): Promise<Publishing> {
    const node = await TestStore.open();
    await makeTable(node.store);
    const publishing = new Publishing(node);
    publishing.publisher.start();
    for (let seq = 1; seq <= count; seq += 1) await publishing.write(seq);
    publishing.counts.read = 0;
    return publishing;
  }

  async write(seq: number, text = ''): Promise<void> {
    await upsert(this.node.store, { id: seq, text });
    this.publisher.wake();
    await this.until(seq);
  }

  async until(seq: number): Promise<void> {
    await vi.waitFor(() => {
      if (!this.publisher.covers(tableOf(this.node.store), seq))
        throw new Error(`Number ${seq} is not published yet`);
    }, 10_000);
  }

  /** The numbers that a consumer would begin with, of a subscriber that is at `seq`; undefined where the log has to serve. */
  async beginning(seq: number): Promise<readonly number[] | undefined> {
    const found = await this.publisher.provideConsumer('b', tableOf(this.node.store), seq);
    if (!found) return undefined;
    const { head } = this.streams.take(found.stream, found.consumer)?.message ?? {};
    return head ? [head.first, head.last] : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.publisher[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
  }

  #watched(stream: WritableStream): WritableStream {
    return {
      ...stream,
      headAt: async (sequence) => {
        this.counts.read += 1;
        return this.headAt ? this.headAt(sequence) : stream.headAt(sequence);
      },
      create: async (identity, limits) => {
        this.counts.begun += 1;
        return stream.create(identity, limits);
      },
      publish: async (head, body, sequence) => {
        await this.publish?.(sequence);
        return stream.publish(head, body, sequence);
      },
    };
  }
}

test('a subscriber that has all that there is gets its consumer without a message being read', async () => {
  await using publishing = await Publishing.open(20);

  expect(await publishing.beginning(20)).toEqual([]);
  expect(publishing.counts.read).toBe(0);
  expect(await publishing.beginning(12)).toEqual([13, 13]);
  expect(publishing.counts.read).toBeGreaterThan(0);
});

test('while a transaction of several messages is half out, a subscriber that lacks it begins with the first of them', async () => {
  await using publishing = await Publishing.open(3);
  const second = deferred<void>();
  let messages = 0;
  publishing.publish = async () => {
    messages += 1;
    if (messages === 2) await second.promise;
  };
  await upsert(publishing.node.store, { id: 4, text: 'x'.repeat(3 * maxMessageBytes) });
  publishing.publisher.wake();
  await vi.waitFor(() => expect(messages).toBe(2), 10_000);

  expect(await publishing.beginning(3)).toEqual([4, 4]);
  expect(publishing.streams.take('dev:dog', 'b')).toBeUndefined();

  second.resolve();
  await publishing.until(4);
  expect(publishing.streams.take('dev:dog', 'b')?.message.head).toMatchObject({ first: 4, last: 4 });
});

test('a stream that somebody has cut short gives nobody a consumer beyond its end', async () => {
  await using publishing = await Publishing.open(20);
  publishing.streams.damage('dev:dog', 'recreated');

  expect(await publishing.beginning(20)).toEqual([]);
  await publishing.write(21);

  const sequence = publishing.streams.take('dev:dog', 'b')?.message.sequence;
  expect([undefined, 1]).toContain(sequence);
});

test('a server that does not say in time what is in a message costs no stream: the log serves, and then the stream does', async () => {
  await using publishing = await Publishing.open(20);
  publishing.headAt = () => Promise.reject(new Error('timeout'));

  expect(await publishing.beginning(10)).toBeUndefined();
  publishing.headAt = undefined;
  await publishing.until(20);

  expect(publishing.counts.begun).toBe(1);
  expect(await publishing.beginning(10)).toEqual([11, 11]);
});

test('a message that is there and cannot be read costs the stream: it is begun anew', async () => {
  await using publishing = await Publishing.open(20);
  publishing.headAt = async () => undefined;

  expect(await publishing.beginning(10)).toBeUndefined();
  publishing.headAt = undefined;
  await vi.waitFor(() => expect(publishing.counts.begun).toBe(2), 10_000);
  await publishing.until(20);

  expect(await publishing.beginning(10)).toEqual([1, 20]);
});

test('what the limits of the stream trim while it is searched costs no stream', async () => {
  await using publishing = await Publishing.open(20);
  const { streams } = publishing;
  const stream = await streams.server.open('dev:dog');
  publishing.headAt = async (sequence) => {
    publishing.headAt = undefined;
    while (((await stream.state())?.firstSequence ?? 21) <= sequence)
      streams.damage('dev:dog', 'head trimmed');
    return stream.headAt(sequence);
  };

  const found = await publishing.beginning(10);
  await publishing.until(20);

  expect(publishing.counts.begun).toBe(1);
  expect([undefined, '11,11']).toContain(found?.join());
});
