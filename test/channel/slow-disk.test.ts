import { expect, test } from 'vitest';
import { ChannelServer } from '../../src/channel/channel-server.ts';
import type { ChannelRequest, ChannelResponse } from '../../src/channel/protocol.ts';
import { noStreams } from '../../src/channel/stream-directory.ts';
import { eachTree, type Environment, type Tree } from '../../src/store/environment.ts';
import type { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { makeTable } from '../store/test-store.ts';
import { records } from './replica-pair.ts';
import { connect, expectSame, keysOf, Replica } from './replica.ts';

const msPerEntry = 10;
/** What an answer may take, and the entry that it was at. */
const limitMs = 200 + msPerEntry;
const total = 300;

/** A publisher whose disk takes its time for each entry of a range, by a clock that stands still otherwise, and a subscriber. */
class SlowPublisher implements AsyncDisposable {
  readonly a: Replica;
  readonly b: Replica;
  /** The answer that took longest. */
  longestMs = 0;
  readonly #disk: { nowMs: number };

  private constructor(a: Replica, b: Replica, disk: { nowMs: number }) {
    this.a = a;
    this.b = b;
    this.#disk = disk;
  }

  static async open(agreement: { readonly startTimeMs?: number } = {}): Promise<SlowPublisher> {
    const disk = { nowMs: 0 };
    const a = await Replica.open('a', { wrap: (environment) => slow(environment, disk) });
    const b = await Replica.open('b');
    await makeTable(a.store);
    await connect(a, b, { publish: true, subscribe: false, ...agreement });
    return new SlowPublisher(a, b, disk);
  }

  /** Asks until there is nothing more to ask, how many of a kind there were. */
  async exchange(
    next: () => Promise<ChannelRequest | undefined>,
  ): Promise<Partial<Record<ChannelResponse['kind'], number>>> {
    const { a, b } = this;
    const steadyMs = (): number => this.#disk.nowMs;
    const server = new ChannelServer({
      store: a.store,
      streams: noStreams,
      maxBatchBytes: 1 << 20,
      steadyMs,
    });
    const counts: Partial<Record<ChannelResponse['kind'], number>> = {};
    for (let request = await next(); request; request = await next()) {
      const begunMs = steadyMs();
      const answer = await server.answer(b.name, request);
      this.longestMs = Math.max(this.longestMs, steadyMs() - begunMs);
      counts[answer.kind] = (counts[answer.kind] ?? 0) + 1;
      await b.receiver(a).accept(answer);
    }
    return counts;
  }

  async follow(): Promise<Partial<Record<ChannelResponse['kind'], number>>> {
    const receiver = this.b.receiver(this.a);
    let isFirst = true;
    return this.exchange(async () => {
      if (!isFirst && !receiver.isBehind) return undefined;
      isFirst = false;
      return receiver.next();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.a[Symbol.asyncDispose]();
    await this.b[Symbol.asyncDispose]();
  }
}

function slow(environment: LmdbEnvironment, disk: { nowMs: number }): Environment {
  function* delayed<T>(entries: Iterable<T>): Generator<T> {
    for (const entry of entries) {
      disk.nowMs += msPerEntry;
      yield entry;
    }
  }
  const trees = eachTree((name): Tree => {
    const tree = environment.trees[name];
    return {
      get: (key) => tree.get(key),
      putSync: (key, value) => tree.putSync(key, value),
      addSync: (key, value) => tree.addSync(key, value),
      removeSync: (key) => tree.removeSync(key),
      getRange: (range) => delayed(tree.getRange(range)),
      getKeys: (range) => tree.getKeys(range),
      getKeysCount: (range) => tree.getKeysCount(range),
    };
  });
  return new Proxy<Environment>(environment, {
    get: (target, name) => {
      const value: unknown = name === 'trees' ? trees : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('a copy of a table that is slow to read comes in short answers, and whole', async () => {
  await using nodes = await SlowPublisher.open();
  const { a, b } = nodes;
  await a.upsert(...records(total));
  await a.delete(...Array.from({ length: 50 }, (_, id) => id * 2));

  const counts = await nodes.follow();

  expect(nodes.longestMs).toBeLessThanOrEqual(limitMs);
  expect(counts.page).toBeGreaterThanOrEqual((total * msPerEntry) / limitMs);
  expectSame(a, b);
});

test('a copy that passes rows which it must not bring goes on with an answer of none', async () => {
  await using nodes = await SlowPublisher.open({ startTimeMs: 1_800_000_001_000 });
  const { a, b } = nodes;
  await a.upsert(...records(total));
  a.pass(2_000);
  b.pass(2_000);
  await a.upsert({ id: 'new' });

  const counts = await nodes.follow();

  expect(nodes.longestMs).toBeLessThanOrEqual(limitMs);
  expect(counts.page).toBeGreaterThanOrEqual((total * msPerEntry) / limitMs);
  expect(keysOf(b)).toEqual(['new']);
});

test('a catch-up from a log that is slow to read comes in short answers, and whole', async () => {
  await using nodes = await SlowPublisher.open();
  const { a, b } = nodes;
  await a.upsert({ id: 'before' });
  await nodes.follow();
  for (const record of records(60)) await a.upsert(record);

  const counts = await nodes.follow();

  expect(nodes.longestMs).toBeLessThanOrEqual(limitMs);
  expect(counts.items).toBeGreaterThanOrEqual((60 * msPerEntry) / limitMs);
  expectSame(a, b);
});

test('a comparison of a table that is slow to read comes in short answers, whatever lies between its live rows', async () => {
  await using nodes = await SlowPublisher.open();
  const { a, b } = nodes;
  await a.upsert(...records(total));
  await nodes.follow();
  await a.delete(...Array.from({ length: 100 }, (_, id) => id + 50));
  await nodes.follow();
  const receiver = b.receiver(a);
  void receiver.verifier.request();

  const counts = await nodes.exchange(() => receiver.nextComparison());

  expect(nodes.longestMs).toBeLessThanOrEqual(limitMs);
  expect(counts.digest).toBeGreaterThanOrEqual((total * msPerEntry) / limitMs);
  expect(receiver.verifier.last).toMatchObject({ rows: 200 });
});
