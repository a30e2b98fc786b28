import { describe, expect, test, vi } from 'vitest';
import type { PeerSession } from '../../src/channel/peer-session.ts';
import { DirectLink } from '../channel/direct-link.ts';
import { directSession, rowOf } from '../channel/direct-session.ts';
import { connect, Replica } from '../channel/replica.ts';
import { makeTable } from '../store/test-store.ts';
import { overBudget } from './over-budget.ts';
import { row, rows } from './rows.ts';
import { atOnce } from './store-counter.ts';

type Traffic = DirectLink['traffic'];

const maxBatchBytes = 1 << 20;

/** A publisher and its subscriber, and the link that one of them has dialled. */
class Pair implements AsyncDisposable {
  readonly publisher: Replica;
  readonly subscriber: Replica;
  readonly link: DirectLink;
  readonly #sessions: readonly [dialling: PeerSession<DirectLink>, answering: PeerSession<DirectLink>];
  #atRow: ((rows: number) => void) | undefined;

  private constructor(publisher: Replica, subscriber: Replica, way: 'pull' | 'push') {
    this.publisher = publisher;
    this.subscriber = subscriber;
    const [near, far] = way === 'pull' ? [subscriber, publisher] : [publisher, subscriber];
    this.link = new DirectLink(near, far, () => this.#sessions[1], maxBatchBytes);
    // On this clock every answer is fast: a link is asked for more only then.
    const session = (self: Replica, peer: Replica): PeerSession<DirectLink> =>
      directSession(self, peer, this.link, maxBatchBytes, { now: () => 0, steadyMs: () => 0 });
    this.#sessions = [session(near, far), session(far, near)];
  }

  static async open(way: 'pull' | 'push'): Promise<Pair> {
    const box: { pair?: Pair } = {};
    const publisher = await Replica.open('a', { onCommit: () => box.pair?.committed() });
    const subscriber = await Replica.open('b', { onCommit: () => box.pair?.applied() });
    await makeTable(publisher.store);
    await connect(publisher, subscriber, { publish: true, subscribe: false });
    box.pair = new Pair(publisher, subscriber, way);
    return box.pair;
  }

  /** Brings the link up. */
  async heal(): Promise<void> {
    const near = this.link.self;
    const far = near === this.publisher ? this.subscriber : this.publisher;
    this.link.isOpen = true;
    // Without an address there is no link of its own.
    await this.#sessions[1].update(rowOf(far, near));
    await this.#sessions[0].update({ ...rowOf(near, far), host: 'there', port: 1 });
  }

  /** What has gone over the link when the subscriber holds so many rows. */
  async until(rowCount: number): Promise<Traffic> {
    let traffic: Traffic | undefined;
    this.#atRow = (held) => {
      if (held >= rowCount) traffic ??= { ...this.link.traffic };
    };
    this.applied();
    return vi.waitFor(
      () => {
        if (!traffic) throw new Error(`The subscriber does not hold ${rowCount} rows yet`);
        return traffic;
      },
      { timeout: 15_000, interval: 1 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) await session[Symbol.asyncDispose]();
    await this.publisher[Symbol.asyncDispose]();
    await this.subscriber[Symbol.asyncDispose]();
  }

  committed(): void {
    for (const session of this.#sessions) session.wake();
  }

  applied(): void {
    const { store } = this.subscriber;
    const table = store.catalog.table('dev', 'dog');
    if (table) this.#atRow?.(store.statistics(table).records);
  }
}

const loads = [
  {
    load: 'a copy of 5,000 rows',
    ready: async (pair: Pair) => pair.publisher.upsert(...rows(5_000)),
    pulled: { requests: 9, bytes: 1_814_000 },
    pushed: { requests: 9, bytes: 1_814_000 },
  },
  {
    load: 'catching up with 5,000 transactions of one row',
    ready: async ({ publisher, subscriber }: Pair) => {
      await subscriber.follow(publisher);
      await atOnce(64, 5_000, async (number) => publisher.upsert(row(number)));
    },
    pulled: { requests: 10, bytes: 2_517_000 },
    pushed: { requests: 10, bytes: 2_517_000 },
  },
  {
    load: 'catching up with 5 transactions of 1,000 rows',
    ready: async ({ publisher, subscriber }: Pair) => {
      await subscriber.follow(publisher);
      await atOnce(1, 5, async (number) => publisher.upsert(...rows(1_000, number * 1_000)));
    },
    pulled: { requests: 6, bytes: 1_813_000 },
    pushed: { requests: 7, bytes: 1_813_000 },
  },
];

describe('what goes over a link', () => {
  test.each(loads)('for $load, by pull', async ({ ready, pulled }) => {
    await using pair = await Pair.open('pull');
    await ready(pair);

    await pair.heal();

    expect(overBudget(await pair.until(5_000), pulled)).toEqual([]);
  });

  test.each(loads)('for $load, by push', async ({ ready, pushed }) => {
    await using pair = await Pair.open('push');
    await ready(pair);

    await pair.heal();

    expect(overBudget(await pair.until(5_000), pushed)).toEqual([]);
  });

  test('for 200 rows, pushed as they are written', async () => {
    await using pair = await Pair.open('push');
    await pair.subscriber.follow(pair.publisher);
    await pair.publisher.upsert(row(0));
    await pair.heal();
    const before = await pair.until(1);

    let after = before;
    for (let number = 1; number <= 200; number += 1) {
      await pair.publisher.upsert(row(number));
      after = await pair.until(number + 1);
    }

    const spent = { requests: after.requests - before.requests, bytes: after.bytes - before.bytes };
    expect(overBudget(spent, { requests: 200, bytes: 160_000 })).toEqual([]);
  });
});
