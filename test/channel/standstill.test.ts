import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import type { z } from 'zod';
import { peerAlarms } from '../../src/channel/alarms.ts';
import { ChannelServer } from '../../src/channel/channel-server.ts';
import type { LinkState } from '../../src/channel/link-state.ts';
import { NoAnswerError, type PeerLink } from '../../src/channel/peer-link.ts';
import { PeerSession } from '../../src/channel/peer-session.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';
import { channelRequest, type ChannelRequest } from '../../src/channel/protocol.ts';
import { Standstill } from '../../src/channel/standstill.ts';
import { fetchingPlace } from '../../src/channel/subscription-status.ts';
import { noStreams } from '../../src/channel/stream-directory.ts';
import type { SubscriptionStatus } from '../../src/model/replication-control.ts';
import { runLoop } from '../../src/runtime/run-loop.ts';
import type { PullEnd } from '../../src/stream/pull-queue.ts';
import type { ChannelPull } from '../../src/stream/stream-pull.ts';
import { rowOf } from './direct-session.ts';
import { openPair, records } from './replica-pair.ts';
import { keysOf, settle, type Replica } from './replica.ts';

const greetingMs = 2_000;
const limitMs = 60_000;

/** Our link to a peer that greets, but whose answers to some questions never come, and whose stream brings nothing. */
class HalfDeadLink implements PeerLink {
  readonly state: LinkState = { kind: 'open', sinceMs: 0, seenMs: 0, latencyMs: 1 };
  readonly isOpen = true;
  /** Questions that were not answered. */
  readonly lost: ChannelRequest[] = [];
  isLost: (request: ChannelRequest) => boolean = () => false;
  readonly #near: Replica;
  readonly #server: ChannelServer;

  constructor(near: Replica, far: Replica, { hasStream = false } = {}) {
    this.#near = near;
    const streams = hasStream
      ? { covers: () => true, provideConsumer: async () => ({ stream: 'dev:dog', consumer: near.name }) }
      : noStreams;
    this.#server = new ChannelServer({ store: far.store, streams, maxBatchBytes: 1_000, steadyMs: () => 0 });
  }

  start(): void {}

  async request<T>(service: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    const request = decodeBody(channelRequest, encodeBody(body));
    if (this.isLost(request)) {
      this.lost.push(request);
      throw new NoAnswerError('a', service, new Error('timeout'));
    }
    return decodeBody(schema, encodeBody(await this.#server.answer(this.#near.name, request)));
  }

  pull(): ChannelPull {
    let end: PullEnd | undefined;
    return {
      delivered: 0,
      next: async (signal) => {
        await pause(10);
        return end ?? (signal.aborted ? { doubt: 'stopped' } : 'quiet');
      },
      doubt: (reason) => (end = { doubt: reason }),
      [Symbol.dispose]: () => {},
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** What runs at `b` for `a`, by a clock that the test moves; with a link of our own, or waiting for pushes. */
class Scene implements AsyncDisposable {
  readonly session: PeerSession;
  readonly #a: Replica;
  readonly #b: Replica;
  #nowMs = 1_000_000;

  constructor(a: Replica, b: Replica, link?: HalfDeadLink) {
    this.#a = a;
    this.#b = b;
    this.session = new PeerSession<PeerLink>(
      {
        name: a.name,
        store: b.store,
        server: b.server(1_000),
        makeLink: () => link ?? expect.fail('There is no link'),
        otherSources: () => [],
        relayWaitMs: 100,
        makeLoop: runLoop,
        now: Date.now,
        steadyMs: () => this.#nowMs,
        log: pino({ level: 'silent' }),
      },
      rowOf(b, a),
    );
  }

  async start(address: object = {}): Promise<void> {
    await this.session.update({ ...rowOf(this.#b, this.#a), ...address });
    this.session.heard(this.#a.hello(this.#b), 'our link');
  }

  /** Greetings that are answered for so long. */
  greetFor(ms: number): void {
    for (let passed = 0; passed < ms; passed += greetingMs) {
      this.#nowMs += greetingMs;
      this.session.heard(this.#a.hello(this.#b), 'our link');
    }
  }

  get channel(): SubscriptionStatus | undefined {
    return this.session.status().subscriptions[0];
  }

  get alarms(): readonly string[] {
    return peerAlarms(this.session.status(), 300_000).map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]();
  }
}

const address = { host: 'there', port: 1 };
const oneWay = { publish: true, subscribe: false };
const nothingCame = /^nothing has come for .*, though a answers greetings/;

describe('a peer that greets', () => {
  test('and answers no question about its copy any more: the channel says so, raises an alarm, asks again, and goes on with the answer', async () => {
    await using nodes = await openPair({}, oneWay);
    const { a, b } = nodes;
    await a.upsert(...records(60, 'x'.repeat(100)));
    const link = new HalfDeadLink(b, a);
    link.isLost = ({ kind }) => kind === 'copy' && keysOf(b).length > 20;
    await using scene = new Scene(a, b, link);
    await scene.start(address);
    await vi.waitFor(() => expect(link.lost.length).toBeGreaterThan(0));
    const { length } = keysOf(b);
    expect(length).toBeLessThan(60);

    scene.greetFor(limitMs - greetingMs);
    expect(scene.channel).toMatchObject({ state: 'copying', copy: { rows: length } });
    expect(scene.alarms).toEqual([]);
    scene.greetFor(2 * greetingMs);

    expect(scene.channel).toMatchObject({
      state: 'waiting',
      reason: expect.stringMatching(nothingCame),
      copy: { rows: length, total: 60 },
    });
    expect(scene.alarms).toEqual([
      expect.stringMatching(/^nothing of dev\.dog has come from a for .*, though it answers greetings: look/),
    ]);
    const before = link.lost.length;
    await vi.waitFor(() => expect(link.lost.length).toBeGreaterThan(before), { timeout: 10_000 });
    link.isLost = () => false;
    await vi.waitFor(() => expect(keysOf(b)).toHaveLength(60), { timeout: 10_000 });
    scene.greetFor(greetingMs);
    expect(scene.channel).toMatchObject({ state: 'live' });
    expect(scene.alarms).toEqual([]);
  });

  test('and whose stream brings nothing of what it says that it has: the log is asked', async () => {
    await using nodes = await openPair({}, oneWay);
    const { a, b } = nodes;
    await a.upsert({ id: 'before' });
    await b.follow(a);
    await using scene = new Scene(a, b, new HalfDeadLink(b, a, { hasStream: true }));
    await scene.start(address);
    await vi.waitFor(() => expect(scene.channel).toMatchObject({ state: 'live' }));
    await a.upsert({ id: 'after' });
    scene.greetFor(limitMs - greetingMs);
    expect(scene.channel).toMatchObject({ state: 'catching-up' });
    expect(keysOf(b)).toEqual(['before']);

    scene.greetFor(2 * greetingMs);

    await vi.waitFor(() => expect(keysOf(b)).toEqual(['after', 'before']), { timeout: 10_000 });
  });

  test('and does not push what it says that it has: the channel says so, but not because it was at rest before', async () => {
    await using nodes = await openPair({}, oneWay);
    const { a, b } = nodes;
    await using scene = new Scene(a, b);
    await scene.start();
    scene.greetFor(limitMs + greetingMs);
    expect(scene.channel).toMatchObject({ state: 'waiting', reason: expect.stringMatching(nothingCame) });
    await b.follow(a);
    scene.greetFor(2 * limitMs);
    expect(scene.channel).toMatchObject({ state: 'live' });

    await a.upsert({ id: 1 });

    scene.greetFor(limitMs);
    expect(scene.channel).toMatchObject({ state: 'catching-up' });
    scene.greetFor(greetingMs);
    expect(scene.channel).toMatchObject({ state: 'waiting', reason: expect.stringMatching(nothingCame) });
    expect(scene.alarms).toHaveLength(1);
  });
});

test('a channel stands still from when it last moved, not while the backlog of another moves, and not while the peer is away', () => {
  const standstill = new Standstill();
  const look = (atMs: number, dog: string | undefined, cat: string | undefined, isBulk = true): number => {
    standstill.look(
      [
        { channel: 'dog', place: dog, isBulk: true },
        { channel: 'cat', place: cat, isBulk },
      ],
      atMs,
    );
    return standstill.lastedMs('dog', atMs);
  };

  expect([look(0, 'x', undefined), look(10, 'x', undefined), look(20, 'y', undefined)]).toEqual([0, 10, 0]);
  expect([look(30, 'y', '1'), look(40, 'y', '2'), look(50, 'y', '3')]).toEqual([10, 0, 0]);
  expect([look(60, 'y', '3'), look(70, 'y', '4', false), look(80, 'y', '5', false)]).toEqual([10, 20, 30]);
  expect([look(90, undefined, '5'), look(100, 'y', '5')]).toEqual([0, 0]);
  standstill.forget();
  expect(look(200, 'y', '5')).toBe(0);
});
test('a channel that stands still behind a hole is told', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);
  await a.upsert({ id: 2 });
  const { response } = await b.ask(a);
  if (response.kind !== 'items') throw new Error(response.kind);
  const items = response.items.map((item) => ({ ...item, bytes: Uint8Array.of(0xc1) }));
  await b.receiver(a).accept({ ...response, items });
  expect(b.cursor(a)?.unproven).toMatchObject({ hole: true });
  await a.upsert({ id: 3 });
  const [subscription] = b.store.nodes.get('a')?.subscriptions ?? [];
  if (!subscription) throw new Error('There is no subscription');

  const place = fetchingPlace({
    store: b.store,
    peer: 'a',
    subscription,
    peerStoreId: a.store.identity.storeId,
    receiver: b.receiver(a),
    hello: a.hello(b),
    heardAgoMs: 0,
    silence: undefined,
    stillMs: 0,
  });

  expect(place).toBeDefined();
});
