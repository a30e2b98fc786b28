import { describe, expect, test, vi } from 'vitest';
import type { DirectLink } from '../channel/direct-link.ts';
import { connect, Replica } from '../channel/replica.ts';
import { SessionPair, type Way } from '../channel/session-pair.ts';
import { makeTable } from '../store/test-store.ts';
import { overBudget } from './over-budget.ts';
import { row, rows } from './rows.ts';
import { atOnce } from './store-counter.ts';

type Traffic = DirectLink['traffic'];

/** A publisher and its subscriber, and the link that one of them has dialled. */
class Pair implements AsyncDisposable {
  readonly publisher: Replica;
  readonly subscriber: Replica;
  readonly #sessions: SessionPair;
  #atRow: ((rows: number) => void) | undefined;

  private constructor(publisher: Replica, subscriber: Replica, way: Way) {
    this.publisher = publisher;
    this.subscriber = subscriber;
    // On this clock every answer is fast: a link is asked for more only then.
    const own = { now: () => 0, steadyMs: () => 0 };
    this.#sessions = new SessionPair({ publisher, subscriber, way, own });
  }

  static async open(way: Way): Promise<Pair> {
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
    await this.#sessions.heal();
  }

  /** What has gone over the link when the subscriber holds so many rows. */
  async until(rowCount: number): Promise<Traffic> {
    let traffic: Traffic | undefined;
    this.#atRow = (held) => {
      if (held >= rowCount) traffic ??= { ...this.#sessions.link.traffic };
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
    await this.#sessions[Symbol.asyncDispose]();
    await this.publisher[Symbol.asyncDispose]();
    await this.subscriber[Symbol.asyncDispose]();
  }

  committed(): void {
    this.#sessions.dialling.wake();
    this.#sessions.answering.wake();
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
