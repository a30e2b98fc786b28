import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { channelOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { differences } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Random } from './support/random.ts';
import { waitFor } from './support/wait-for.ts';

const tables = ['left', 'right'] as const;
type Table = (typeof tables)[number];

/** The shape of one transaction: what it does besides counting on in both tables. */
interface Shape {
  readonly what: string;
  readonly extra: (round: number) => readonly Readonly<Record<string, unknown>>[];
  readonly rounds: number;
}

const small: Shape = {
  what: 'small transactions',
  extra: (round) => tables.map((table) => insertion(table, [{ id: `row-${round}` }])),
  rounds: 300,
};

/** Larger than a message on one side only: that part travels in pieces, and the other does not. */
const large: Shape = {
  what: 'transactions larger than a message',
  extra: (round) => [
    insertion(
      tables[round % 2] ?? 'left',
      Array.from({ length: 40 }, (_, index) => ({ id: `row-${round}-${index}`, text: 'x'.repeat(20_000) })),
    ),
  ],
  rounds: 25,
};

const shapes: readonly Shape[] = [small, large];

/** Who dials decides how it travels: pulled from the stream or pushed from the log. */
const ways = ['pulled', 'pushed'] as const;

describe.each(ways)('a transaction over two tables whose channels are %s', (way) => {
  test.each(shapes)('is never seen by half, $what', async (shape) => {
    await using pair = await connectedPair(way);
    const [publisher, subscriber] = endsOf(pair, way);
    await using reader = new Reader(subscriber);

    for (let round = 1; round <= shape.rounds; round += 1) await count(publisher, round, shape);
    await waitFor(
      'the last transaction at the subscriber',
      async () => (await counters(subscriber)).every((value) => value === shape.rounds),
      { limitMs: 60_000 },
    );
    await reader.stop();

    expect(reader.torn).toEqual([]);
    // It did look while they came.
    expect(reader.seen).toBeGreaterThan(5);
    await sameOnBoth(pair);
  });

  test('is never seen by half although the bridge of the subscriber is killed again and again', async () => {
    await using pair = await connectedPair(way);
    const [publisher, subscriber] = endsOf(pair, way);
    await using reader = new Reader(subscriber);
    const random = new Random(7);
    await using counting = new Counting(publisher, subscriber);

    const standstills: (readonly (number | undefined)[])[] = [];
    for (let kill = 0; kill < 3; kill += 1) {
      const before = (await counters(subscriber))[0] ?? 0;
      await waitFor(
        'the subscriber to follow',
        async () => ((await counters(subscriber))[0] ?? 0) > before + 3,
        { limitMs: 40_000 },
      );
      await pause(random.between(0, 200));
      await subscriber.kill('bridge');
      // Nobody applies now: what is there stays as it is.
      if (subscriber.pids().bridge === undefined) standstills.push(await counters(subscriber));
      await subscriber.whole();
    }
    const round = await counting.stop();
    await waitFor(
      'the last transaction at the subscriber',
      async () => (await counters(subscriber)).every((value) => value === round),
      { limitMs: 60_000 },
    );
    await reader.stop();

    expect(reader.torn).toEqual([]);
    expect(standstills.length).toBeGreaterThan(0);
    for (const [left, right] of standstills) expect(left).toBe(right);
    await sameOnBoth(pair);
  });

  test('comes again within seconds after the bridge of the subscriber was killed in the middle', async () => {
    await using pair = await connectedPair(way);
    const [publisher, subscriber] = endsOf(pair, way);
    await using counting = new Counting(publisher, subscriber);

    for (let kill = 0; kill < 4; kill += 1) {
      const before = (await counters(subscriber))[0] ?? 0;
      await waitFor(
        `the subscriber to follow after ${kill} kills`,
        async () => ((await counters(subscriber))[0] ?? 0) > before + 3,
        { limitMs: 10_000 },
      );
      await subscriber.kill('bridge');
    }
    expect(await counting.stop()).toBeGreaterThan(0);
  });

  test('arrives although a part of it is larger than a message and others follow it at once', async () => {
    await using pair = await connectedPair(way);
    const [publisher, subscriber] = endsOf(pair, way);

    for (let burst = 1; burst <= 5; burst += 1) {
      for (let round = burst * 5 - 4; round <= burst * 5; round += 1) await count(publisher, round, large);
      await expect
        .poll(() => counters(subscriber), { timeout: 15_000, message: `after ${burst} bursts` })
        .toEqual([burst * 5, burst * 5]);
    }

    await sameOnBoth(pair);
  });

  test('is never seen by half while the subscriber catches up on what it has missed', async () => {
    await using pair = await connectedPair(way);
    const [publisher, subscriber] = endsOf(pair, way);
    await pair.cut();
    for (let round = 1; round <= 2_000; round += 1) await count(publisher, round, small);
    expect(await counters(subscriber)).toEqual([0, 0]);
    await using reader = new Reader(subscriber);

    pair.mend();

    await waitFor(
      'the last transaction at the subscriber',
      async () => (await counters(subscriber)).every((value) => value === 2_000),
      { limitMs: 60_000 },
    );
    await reader.stop();
    expect(reader.torn).toEqual([]);
    await sameOnBoth(pair);
  });
});

/**
 * Reads both counters one after the other, as fast as it can, in either order. Both only grow and are the same
 * after every transaction: so the one that is read later can never be the smaller one, unless it was a half.
 */
class Reader implements AsyncDisposable {
  readonly torn: string[] = [];
  readonly #node: ClusterNode;
  readonly #values = new Set<number>();
  readonly #looks: readonly Promise<void>[];
  #isStopping = false;

  constructor(node: ClusterNode) {
    this.#node = node;
    this.#looks = [this.#look('left', 'right'), this.#look('right', 'left')];
    // A failure is reported by `stop`; nobody looks before.
    for (const look of this.#looks) look.catch(() => undefined);
  }

  /** Different values that it has seen. */
  get seen(): number {
    return this.#values.size;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#looks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#looks);
  }

  async #look(first: Table, second: Table): Promise<void> {
    while (!this.#isStopping) {
      const earlier = (await counterOf(this.#node, first)) ?? 0;
      const later = (await counterOf(this.#node, second)) ?? 0;
      this.#values.add(later);
      if (later < earlier && this.torn.length < 10)
        this.torn.push(`${first} ${earlier}, then ${second} ${later}`);
    }
  }
}

/** Counts on until it is stopped, and never further ahead of the subscriber than that can make up for in seconds. */
class Counting implements AsyncDisposable {
  readonly #work: Promise<void>;
  #isStopping = false;
  #round = 0;

  constructor(publisher: ClusterNode, subscriber: ClusterNode) {
    this.#work = this.#run(publisher, subscriber);
    this.#work.catch(() => undefined);
  }

  /** Resolves to the last value. */
  async stop(): Promise<number> {
    this.#isStopping = true;
    await this.#work;
    return this.#round;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled([this.#work]);
  }

  async #run(publisher: ClusterNode, subscriber: ClusterNode): Promise<void> {
    while (!this.#isStopping) {
      await count(publisher, (this.#round += 1), small);
      if (this.#round % 50 > 0) continue;
      await waitFor(
        'the subscriber to keep up',
        async () => this.#isStopping || ((await counters(subscriber))[0] ?? 0) > this.#round - 500,
        { limitMs: 90_000 },
      );
    }
  }
}

async function connectedPair(way: (typeof ways)[number]): Promise<Pair> {
  const pair = await Pair.start();
  try {
    const [publisher, subscriber] = endsOf(pair, way);
    for (const table of tables) {
      await publisher.must({ operation: 'create_table', schema: 'default', table, hash_attribute: 'id' });
      await publisher.must({ operation: 'insert', ...insertion(table, [{ id: 'counter', value: 0 }]) });
    }
    const isPulled = way === 'pulled';
    await pair.connect(
      tables.map((table) => ({ channel: `default:${table}`, publish: !isPulled, subscribe: isPulled })),
    );
    for (const table of tables)
      await waitFor(`${table} at ${subscriber.name}`, async () => {
        if (!(await subscriber.hasTable('default', table))) return false;
        const isLive = (await channelOf(subscriber, publisher, ['default', table]))?.state === 'live';
        return isLive && (await counterOf(subscriber, table)) === 0;
      });
    return pair;
  } catch (error) {
    await pair[Symbol.asyncDispose]();
    throw error;
  }
}

/** The publisher and the subscriber; the host dials. */
function endsOf(pair: Pair, way: (typeof ways)[number]): readonly [ClusterNode, ClusterNode] {
  return way === 'pulled' ? [pair.edge, pair.host] : [pair.host, pair.edge];
}

function insertion(
  table: Table,
  records: readonly Readonly<Record<string, unknown>>[],
): Readonly<Record<string, unknown>> {
  return { operation: 'insert', schema: 'default', table, records };
}

async function count(node: ClusterNode, value: number, { extra }: Shape): Promise<void> {
  const counting = tables.map((table) => ({
    operation: 'update',
    schema: 'default',
    table,
    records: [{ id: 'counter', value }],
  }));
  await node.must({ operation: 'transaction', operations: [...counting, ...extra(value)] });
}

async function counterOf(node: ClusterNode, table: Table): Promise<number | undefined> {
  const found = (await node.must({
    operation: 'search_by_hash',
    schema: 'default',
    table,
    hash_values: ['counter'],
    get_attributes: ['value'],
  })) as readonly { readonly value: number }[];
  return found[0]?.value;
}

async function counters(node: ClusterNode): Promise<readonly (number | undefined)[]> {
  return Promise.all(tables.map((table) => counterOf(node, table)));
}

async function sameOnBoth({ host, edge }: Pair): Promise<void> {
  for (const table of tables)
    expect(differences(await host.rows('default', table), await edge.rows('default', table))).toEqual([]);
}
