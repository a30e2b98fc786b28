import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { LinkState } from '../../src/channel/link-state.ts';
import type { PeerLink } from '../../src/channel/peer-link.ts';
import { PeerSession } from '../../src/channel/peer-session.ts';
import { makeTable } from '../store/test-store.ts';
import { openPair } from './replica-pair.ts';
import { connect, keysOf, settle, type Replica } from './replica.ts';

const dayMs = 86_400_000;

/** A link that is up and over which nobody speaks. */
class QuietLink implements PeerLink {
  readonly state: LinkState = { kind: 'open', sinceMs: 0, seenMs: 0, latencyMs: 1 };
  readonly isOpen = true;

  start(): void {}

  request(): Promise<never> {
    return Promise.reject(new Error('nobody answers'));
  }

  pull(): never {
    throw new Error('nobody answers');
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** What runs at `self` for a peer; its loops do not. */
async function openSession(self: Replica, peer: Replica, address = {}): Promise<PeerSession> {
  const row = self.store.nodes.get(peer.name);
  if (!row) throw new Error(`${self.name} does not know ${peer.name}`);
  const session: PeerSession = new PeerSession(
    {
      name: peer.name,
      store: self.store,
      server: self.server(),
      makeLink: () => new QuietLink(),
      otherSources: () => [],
      relayWaitMs: 100,
      makeLoop: () => ({ start: () => {}, wake: () => {}, [Symbol.asyncDispose]: async () => {} }),
      now: () => self.nowMs,
      steadyMs: () => self.nowMs,
      log: pino({ level: 'silent' }),
    },
    row,
  );
  await session.update({ ...row, ...address });
  return session;
}

test('what waits for a peer and how long it may stay away is told while it is connected, away, and after a restart', async () => {
  await using nodes = await openPair({ logMaxAgeMs: 30 * dayMs });
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);
  await a.hear(b);
  const session = await openSession(a, b);
  session.heard(b.hello(a), 'their link');
  expect(session.status().subscriptions).toMatchObject([
    {
      unconfirmed: 0,
      endurance: { waiting: { transactions: 0, bytes: 0 }, mayStayAwayMs: 30 * dayMs, state: 'enough' },
    },
  ]);

  await a.upsert({ id: 2 });
  await a.upsert({ id: 3, text: 'x'.repeat(10_000) });
  a.pass(11 * dayMs);
  const { endurance } = session.status().subscriptions[0] ?? {};
  expect(endurance).toMatchObject({
    waiting: { transactions: 2 },
    mayStayAwayMs: 19 * dayMs,
    state: 'enough',
  });
  expect(endurance?.waiting.bytes).toBeGreaterThan(10_000);
  await session[Symbol.asyncDispose]();

  await a.restart();
  const later = await openSession(a, b);
  expect(later.status().subscriptions[0]?.endurance).toEqual(endurance);
});

test('a peer that has never confirmed anything, and a channel that we only take, tell no endurance', async () => {
  await using nodes = await openPair({}, { publish: false, subscribe: true });
  const { a, b } = nodes;
  await makeTable(b.store);
  await b.upsert({ id: 1 });
  await settle(a, b);
  await makeTable(a.store, 'cat');
  await connect(a, b, { publish: true, subscribe: false }, ['cat']);
  const session = await openSession(a, b);

  const told = session.status().subscriptions.map(({ table, endurance }) => [table, endurance]);
  expect(told).toEqual([
    ['dog', undefined],
    ['cat', undefined],
  ]);
});

test('the clock of a peer is told at the end that dials, by measure, and at the other by what it hears', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  b.pass(90_000);
  const dialling = await openSession(a, b, { host: 'b', port: 1 });
  const sentMs = a.nowMs;
  a.pass(20);
  dialling.answered(sentMs, b.hello(a));
  expect(dialling.status().clock).toEqual({ offsetMs: 89_990, uncertaintyMs: 10 });

  const dialled = await openSession(b, a);
  const hello = a.hello(b, dialling.measuredClock);
  dialled.heard(hello, 'their link');
  expect(dialled.status().clock).toEqual({ offsetMs: -89_990, uncertaintyMs: 10 });

  // Of a peer that is silent nothing is known any more.
  b.pass(60_000);
  expect(dialled.status().clock).toBeUndefined();
});

test('a peer that calls itself by another name than it was added under is told with that', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  const session = await openSession(a, b);
  session.heard(b.hello(a), 'their link');
  expect(session.status().calledName).toBeUndefined();

  session.heard({ ...b.hello(a), name: 'other' }, 'their link');

  expect(session.status().calledName).toBe('other');
});

test('a lag grows from one greeting to the next, and is not told once there are none', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await settle(a, b);
  await a.hear(b);
  await a.upsert({ id: 1 });
  a.pass(700);
  await using session = await openSession(b, a);
  session.heard(a.hello(b), 'their link');
  const lag = (): unknown => {
    const [{ lagTransactions, lagMs } = expect.fail('no subscription')] = session.status().subscriptions;
    return [lagTransactions, lagMs];
  };
  expect(lag()).toEqual([1, 700]);

  b.pass(2_000);
  expect(lag()).toEqual([1, 2_700]);
  b.pass(60_000);
  expect(lag()).toEqual([undefined, undefined]);
});

test('a peer is told which of its channels cannot be taken here, and why', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await using session = await openSession(b, a);
  session.heard(a.hello(b), 'their link');
  expect(session.failures).toEqual({});

  await session.push({ channel: 'dev:dog', response: { kind: 'refused', reason: 'primary key differs' } });
  expect(session.failures).toEqual({ 'dev:dog': 'primary key differs' });
});

test('what a start time that is lifted had left out is on its way until it has come', async () => {
  const startTimeMs = 1_800_000_000_500;
  await using nodes = await openPair({}, { publish: true, subscribe: true, startTimeMs });
  const { a, b } = nodes;
  await a.upsert({ id: 'old' });
  await settle(a, b);
  const state = async (): Promise<unknown> => {
    await using session = await openSession(b, a);
    session.heard(a.hello(b), 'their link');
    return session.status().subscriptions[0]?.state;
  };
  expect([await state(), keysOf(b)]).toEqual(['live', []]);

  await connect(a, b);
  expect([await state(), keysOf(b)]).toEqual(['catching-up', []]);

  b.receiver(a).restart();
  await settle(a, b);
  expect([await state(), keysOf(b)]).toEqual(['live', ['old']]);
});
