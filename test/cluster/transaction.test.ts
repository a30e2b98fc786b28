import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { channelOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { differences } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Random } from './support/random.ts';
import type { Fields } from './support/record-bytes.ts';
import { makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const tables = ['left', 'right'] as const;
type Table = (typeof tables)[number];

/** One end of the channels of a test: each test has tables of its own. */
interface End {
  readonly node: ClusterNode;
  readonly schema: string;
}

/** The shape of one transaction: what it does besides counting on in both tables. */
interface Shape {
  readonly what: string;
  readonly schema: string;
  readonly extra: (round: number) => readonly Fields[];
  readonly rounds: number;
}

const small: Shape = {
  what: 'small transactions',
  schema: 'small',
  extra: (round) => tables.map((table) => insertion(table, [{ id: `row-${round}` }])),
  rounds: 300,
};

/** Larger than a message on one side only: that part travels in pieces, and the other does not. */
const large: Shape = {
  what: 'transactions larger than a message',
  schema: 'large',
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
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.start();
  });
  afterAll(async () => pair[Symbol.asyncDispose]());

  test.each(shapes)('is never seen by half, $what', async (shape) => {
    const [publisher, subscriber] = await connectedEnds(pair, way, shape.schema);
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
    await sameAtBoth(publisher, subscriber);
  });

  test('arrives although a part of it is larger than a message and others follow it at once', async () => {
    const [publisher, subscriber] = await connectedEnds(pair, way, 'bursts');

    for (let burst = 1; burst <= 5; burst += 1) {
      for (let round = burst * 5 - 4; round <= burst * 5; round += 1) await count(publisher, round, large);
      await expect
        .poll(() => counters(subscriber), { timeout: 15_000, message: `after ${burst} bursts` })
        .toEqual([burst * 5, burst * 5]);
    }

    await sameAtBoth(publisher, subscriber);
  });

  test('is never seen by half while the subscriber catches up on what it has missed', async () => {
    const [publisher, subscriber] = await connectedEnds(pair, way, 'backlog');
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
    // It did look while they came.
    expect(reader.seen).toBeGreaterThan(2);
    await sameAtBoth(publisher, subscriber);
  });

  test('is never seen by half although the bridge of the subscriber is killed again and again', async () => {
    const [publisher, subscriber] = await connectedEnds(pair, way, 'killed');
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
      await subscriber.node.kill('bridge');
      // While nobody applies, what is there stays as it is: there was no bridge before both reads, and none after them.
      const isBridgeGone = (): boolean => subscriber.node.pids().bridge === undefined;
      if (isBridgeGone()) {
        const stood = await counters(subscriber);
        if (isBridgeGone()) standstills.push(stood);
      }
      await subscriber.node.whole();
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
    await sameAtBoth(publisher, subscriber);
  });

  test('comes again within seconds after the bridge of the subscriber was killed in the middle', async () => {
    // It has been killed a few times already: how soon it is started again depends on that.
    await using fresh = await Pair.start();
    const [publisher, subscriber] = await connectedEnds(fresh, way, 'killed');
    await using counting = new Counting(publisher, subscriber);

    for (let kill = 0; kill < 4; kill += 1) {
      const before = (await counters(subscriber))[0] ?? 0;
      await waitFor(
        `the subscriber to follow after ${kill} kills`,
        async () => ((await counters(subscriber))[0] ?? 0) > before + 3,
        { limitMs: 10_000 },
      );
      await subscriber.node.kill('bridge');
    }
    expect(await counting.stop()).toBeGreaterThan(0);
  });
});

/**
 * Reads both counters one after the other, as fast as it can, in either order. Both only grow and are the same
 * after every transaction: so the one that is read later can never be the smaller one, unless it was a half.
 */
class Reader implements AsyncDisposable {
  readonly torn: string[] = [];
  readonly #end: End;
  readonly #values = new Set<number>();
  readonly #looks: readonly Promise<void>[];
  #isStopping = false;

  constructor(end: End) {
    this.#end = end;
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
      const earlier = (await counterOf(this.#end, first)) ?? 0;
      const later = (await counterOf(this.#end, second)) ?? 0;
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

  constructor(publisher: End, subscriber: End) {
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

  async #run(publisher: End, subscriber: End): Promise<void> {
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

/** The publisher and the subscriber; the host dials. */
async function connectedEnds(
  pair: Pair,
  way: (typeof ways)[number],
  schema: string,
): Promise<readonly [End, End]> {
  const isPulled = way === 'pulled';
  const nodes = isPulled ? ([pair.edge, pair.host] as const) : pair.nodes;
  const [publisher, subscriber] = [
    { node: nodes[0], schema },
    { node: nodes[1], schema },
  ];
  await publisher.node.must({ operation: 'create_schema', schema });
  for (const table of tables) {
    await makeTable(publisher.node, [schema, table]);
    await publisher.node.must({ schema, ...insertion(table, [{ id: 'counter', value: 0 }]) });
  }
  await pair.connect(
    tables.map((table) => ({ channel: `${schema}:${table}`, publish: !isPulled, subscribe: isPulled })),
  );
  for (const table of tables)
    await waitFor(`${table} at ${subscriber.node.name}`, async () => {
      if (!(await subscriber.node.hasTable(schema, table))) return false;
      const isLive = (await channelOf(subscriber.node, publisher.node, [schema, table]))?.state === 'live';
      return isLive && (await counterOf(subscriber, table)) === 0;
    });
  return [publisher, subscriber];
}

function insertion(table: Table, records: readonly Fields[]): Fields {
  return { operation: 'insert', table, records };
}

async function count({ node, schema }: End, value: number, { extra }: Shape): Promise<void> {
  const counting = tables.map((table) => ({
    operation: 'update',
    table,
    records: [{ id: 'counter', value }],
  }));
  const operations = [...counting, ...extra(value)].map((operation) => ({ ...operation, schema }));
  await node.must({ operation: 'transaction', operations });
}

async function counterOf({ node, schema }: End, table: Table): Promise<number | undefined> {
  const found = (await node.must({
    operation: 'search_by_hash',
    schema,
    table,
    hash_values: ['counter'],
    get_attributes: ['value'],
  })) as readonly { readonly value: number }[];
  return found[0]?.value;
}

async function counters(end: End): Promise<readonly (number | undefined)[]> {
  return Promise.all(tables.map((table) => counterOf(end, table)));
}

async function sameAtBoth(one: End, other: End): Promise<void> {
  for (const table of tables)
    expect(
      differences(await one.node.rows(one.schema, table), await other.node.rows(other.schema, table)),
    ).toEqual([]);
}
