import { deletePolicies, type DeletePolicy } from '../../src/model/node.ts';
import type { CrashPoint } from './life.ts';
import { Random } from './random.ts';
import { streamFaults, type StreamFault } from './streams.ts';

/** What the first of two nodes does with a table of the other. */
export interface Agreement {
  readonly table: string;
  readonly publish: boolean;
  readonly subscribe: boolean;
  /** Only what is newer than this long before the moment of the agreement, ms. */
  readonly sinceMs?: number;
  /** What a delete of the second does at the first. */
  readonly onDelete?: DeletePolicy;
}

export interface Pair {
  readonly a: string;
  readonly b: string;
  readonly dial: 'a' | 'b' | 'both';
  readonly agreements: readonly Agreement[];
}

export interface PlanConfig {
  readonly seed: number;
  readonly nodes: readonly { readonly name: string; readonly drift: number }[];
  readonly tables: readonly string[];
  readonly pairs: readonly Pair[];
  readonly maxBatchBytes: number;
  readonly logMaxBytes: number;
  readonly relayWaitMs: number;
  /** Tombstones that every subscriber has passed go after so long; a month where absent. */
  readonly tombstoneMs?: number;
  /** Each table is compared with its publisher so often; where absent, only where a copy alone does not prove it. */
  readonly verifyMs?: number;
}

export type Step =
  | {
      readonly kind: 'write';
      readonly at: string;
      readonly operation: 'insert' | 'update' | 'upsert';
      readonly table: string;
      readonly keys: readonly number[];
      readonly pad: number;
    }
  | { readonly kind: 'delete'; readonly at: string; readonly table: string; readonly keys: readonly number[] }
  | {
      readonly kind: 'transaction';
      readonly at: string;
      readonly tables: readonly string[];
      readonly keys: readonly number[];
    }
  | { readonly kind: 'pass'; readonly ms: number }
  | {
      readonly kind: 'crash';
      readonly at: string;
      readonly point: CrashPoint | 'now';
      readonly passes: number;
      readonly downMs: number;
      /** The power fails: nats-server loses the end of its streams. */
      readonly losesStreams: boolean;
    }
  | { readonly kind: 'block'; readonly from: string; readonly to: string; readonly isBoth: boolean }
  | { readonly kind: 'heal' }
  | { readonly kind: 'cut'; readonly from: string; readonly to: string }
  | {
      readonly kind: 'weather';
      readonly loss: number;
      readonly duplicates: number;
      readonly delays: number;
      readonly ackLoss: number;
    }
  | { readonly kind: 'corrupt'; readonly count: number }
  | {
      readonly kind: 'stream';
      readonly at: string;
      readonly table: string;
      readonly fault: StreamFault;
      /** nats-server was down meanwhile, so the publisher has a new connection. */
      readonly isRestarted: boolean;
    }
  | { readonly kind: 'save streams'; readonly at: string }
  | { readonly kind: 'purge'; readonly at: string; readonly table: string; readonly keep: number }
  | { readonly kind: 'clock'; readonly at: string; readonly offsetMs: number }
  | { readonly kind: 'slow'; readonly at: string; readonly isSlow: boolean }
  | { readonly kind: 'back up'; readonly at: string }
  | {
      readonly kind: 'restore';
      readonly at: string;
      /** A snapshot of the whole machine: nothing tells the store that it went back. */
      readonly isUnnoticed: boolean;
    }
  | { readonly kind: 'clone'; readonly at: string; readonly from: string }
  | { readonly kind: 'agree'; readonly a: string; readonly b: string; readonly agreement: Agreement }
  | { readonly kind: 'drop table'; readonly at: string; readonly table: string }
  | { readonly kind: 'create table'; readonly at: string; readonly table: string };

export interface Plan {
  readonly config: PlanConfig;
  readonly steps: readonly Step[];
}

/** Small clusters find most and cost least. */
const sizes = [...Array<number>(36).fill(2), ...Array<number>(20).fill(3), 4, 4, 4, 5] as const;
const allNames = ['a', 'b', 'c', 'd', 'e'] as const;
const allTables = ['t1', 't2', 't3'] as const;
const startTimes = [0, 500, 5_000] as const;

/** Everything of a history but its small chances: the nodes, what they agree on, and what happens to them. */
export function drawPlan(seed: number, faults?: readonly FaultKind[]): Plan {
  const random = new Random(seed);
  const count = random.pick(sizes);
  const names = allNames.slice(0, count);
  const tables = allTables.slice(0, random.pick([1, 1, 1, 1, 2, 2, 2, 3]));
  const pairs = drawPairs(random, names, tables);
  const config: PlanConfig = {
    seed,
    nodes: names.map((name) => ({ name, drift: random.chance(0.5) ? random.between(-500, 501) / 1e6 : 0 })),
    tables,
    pairs: withStartTimes(new Random(seed ^ 0x5be0cd19), withPolicies(new Random(~seed), pairs)),
    maxBatchBytes: random.pick([300, 800, 1 << 19]),
    logMaxBytes: random.chance(0.15) ? random.between(1_000, 6_000) : 1 << 30,
    relayWaitMs: random.pick([50, 500, 3_000]),
  };
  // Short ones find most in a second; some faults, and those that are looked for, need a long past to meet.
  const isLong = faults !== undefined || random.chance(0.1);
  const length = isLong ? random.between(20, count > 2 ? 35 : 55) : random.between(4, 14);
  // Each history draws its own mixture, so that every pair of faults meets without the others, too.
  const kinds = faults ?? faultKinds.filter(() => random.chance(0.3));
  const faultRate = faults ? 0.4 : random.pick([0, 0.1, 0.25, 0.4]);
  const steps: Step[] = [];
  while (steps.length < length) {
    if (kinds.length > 0 && random.chance(faultRate)) {
      const step = drawFault(random, random.pick(kinds), config);
      if (step) steps.push(step);
    } else steps.push(drawWork(random, config));
    if (random.chance(0.4))
      steps.push({ kind: 'pass', ms: random.pick([5, 20, 20, 60, 60, 200, 200, 700, 700, 3_000]) });
  }
  return withForgetting({ config, steps });
}

/** Where clocks or stores go back, or who shares what changes, older writes may come later than anybody can know. */
const disorders: Partial<Record<Step['kind'], string>> = {
  clock: 'clock',
  restore: 'restore',
  clone: 'clone',
  agree: 'agree',
  'drop table': 'drop',
  'create table': 'drop',
};

/** Apart from the rest, so that a seed draws what it drew before. */
function withForgetting({ config, steps }: Plan): Plan {
  const found = new Set(steps.flatMap(({ kind }) => disorders[kind] ?? []));
  const random = new Random(config.seed ^ (found.size === 0 ? 0x1f83d9ab : 0x6a09e667));
  // One disorder at a time: what several of them together may do is more than the oracle can tell.
  if (found.size > 1 || !random.chance(found.size === 0 ? 0.25 : 0.15)) return { config, steps };
  const tombstoneMs = random.pick([5_000, 8_000]);
  if (found.size === 0) return { config: { ...config, tombstoneMs }, steps };
  // Time to forget, and comparisons, which put right what comes later than anybody could wait for.
  const withTime = steps.flatMap((step): Step[] =>
    random.chance(0.15) ? [step, { kind: 'pass', ms: random.pick([9_000, 15_000, 25_000]) }] : [step],
  );
  return { config: { ...config, tombstoneMs, verifyMs: 3_000 }, steps: withTime };
}

function drawPairs(random: Random, names: readonly string[], tables: readonly string[]): Pair[] {
  const shape = random.pick(['chain', 'star', 'mesh'] as const);
  const links = names.flatMap((a, index) =>
    names
      .slice(index + 1)
      .filter((b) => {
        if (shape === 'mesh') return true;
        return shape === 'star' ? index === 0 : names.indexOf(b) === index + 1;
      })
      .map((b) => ({ a, b })),
  );
  const isPlain = random.chance(0.5);
  return links.map(({ a, b }) => ({
    a,
    b,
    dial: random.pick(['a', 'b', 'both'] as const),
    agreements: tables
      .filter(() => isPlain || random.chance(0.9))
      .map((table) => drawAgreement(random, table, isPlain)),
  }));
}

function drawAgreement(random: Random, table: string, isPlain: boolean): Agreement {
  const [publish, subscribe] = isPlain
    ? [true, true]
    : random.pick([
        [true, true],
        [true, true],
        [true, false],
        [false, true],
      ] as const);
  const since = !isPlain && random.chance(0.1) ? { sinceMs: random.pick(startTimes) } : {};
  return { table, publish, subscribe, ...since };
}

/** Drawn apart: a policy changes nothing that replication sees, so it leaves the rest of a plan as it is. */
function withPolicies(random: Random, pairs: readonly Pair[]): Pair[] {
  return pairs.map((pair) => ({
    ...pair,
    agreements: pair.agreements.map((agreement) =>
      random.chance(0.3) ? { ...agreement, onDelete: random.pick(deletePolicies) } : agreement,
    ),
  }));
}

/** Drawn apart, too: what a start time leaves out and another way brings takes many nodes to meet. */
function withStartTimes(random: Random, pairs: readonly Pair[]): readonly Pair[] {
  if (pairs.length < 2 || !random.chance(0.3)) return pairs;
  return pairs.map((pair) => ({
    ...pair,
    agreements: pair.agreements.map((agreement) =>
      random.chance(0.4) ? { sinceMs: random.pick(startTimes), ...agreement } : agreement,
    ),
  }));
}

function drawKeys(random: Random, most: number): number[] {
  return Array.from({ length: random.between(1, most + 1) }, () => random.below(10));
}

function drawWork(random: Random, config: PlanConfig): Step {
  const at = random.pick(config.nodes).name;
  const table = random.pick(config.tables);
  const kind = random.below(10);
  if (kind < 6)
    return {
      kind: 'write',
      at,
      operation: random.pick(['insert', 'update', 'upsert', 'upsert', 'upsert']),
      table,
      keys: drawKeys(random, 3),
      pad: random.chance(0.15) ? random.between(200, 1_500) : 0,
    };
  if (kind < 8) return { kind: 'delete', at, table, keys: drawKeys(random, 2) };
  if (kind < 9 && config.tables.length > 1)
    return {
      kind: 'transaction',
      at,
      tables: config.tables.slice(0, random.between(2, 4)),
      keys: drawKeys(random, 2),
    };
  return { kind: 'pass', ms: random.between(1, 400) };
}

const faultKinds = [
  'crash',
  'block',
  'cut',
  'weather',
  'corrupt',
  'stream',
  'purge',
  'clock',
  'slow',
  'restore',
  'clone',
  'agree',
  'drop',
] as const;

export type FaultKind = (typeof faultKinds)[number];

function drawFault(random: Random, kind: FaultKind, config: PlanConfig): Step | undefined {
  const at = random.pick(config.nodes).name;
  const table = random.pick(config.tables);
  const other = random.pick(config.nodes).name;
  switch (kind) {
    case 'crash':
      return {
        kind,
        at,
        point: random.pick([
          'now',
          'before commit',
          'after commit',
          'before send',
          'before publish',
          'after publish',
          'before answer',
        ]),
        passes: random.between(1, 5),
        downMs: random.pick([0, 100, 2_000, 6_000]),
        losesStreams: random.chance(0.3),
      };
    case 'block':
      if (random.chance(0.4)) return { kind: 'heal' };
      return at === other ? undefined : { kind, from: at, to: other, isBoth: random.chance(0.5) };
    case 'cut':
      return at === other ? undefined : { kind, from: at, to: other };
    case 'weather':
      return {
        kind,
        loss: random.pick([0, 0, 0.02, 0.1]),
        duplicates: random.pick([0, 0.05, 0.2]),
        delays: random.pick([0, 0.05, 0.2]),
        ackLoss: random.pick([0, 0.1, 0.4]),
      };
    case 'corrupt':
      return random.chance(0.2) ? { kind, count: random.between(1, 4) } : undefined;
    case 'stream':
      return random.chance(0.2)
        ? { kind: 'save streams', at }
        : { kind, at, table, fault: random.pick(streamFaults), isRestarted: random.chance(0.7) };
    case 'purge':
      return { kind, at, table, keep: random.below(4) };
    case 'clock':
      return {
        kind,
        at,
        offsetMs: random.pick([0, 0, -3_600_000, 3_600_000, 3_600_000, -60_000, 20_000, -1.7e12]),
      };
    case 'slow':
      return { kind, at, isSlow: random.chance(0.6) };
    case 'restore':
      return random.chance(0.5) ? { kind: 'back up', at } : { kind, at, isUnnoticed: random.chance(0.3) };
    case 'clone':
      return random.chance(0.3) && at !== other ? { kind, at, from: other } : undefined;
    case 'agree': {
      const pair = random.pick(config.pairs);
      const agreement = random.chance(0.3)
        ? { table, publish: false, subscribe: false }
        : drawAgreement(random, table, false);
      return random.chance(0.5)
        ? { kind, a: pair.a, b: pair.b, agreement }
        : { kind, a: pair.b, b: pair.a, agreement };
    }
    case 'drop':
      return random.chance(0.4) ? { kind: 'drop table', at, table } : { kind: 'create table', at, table };
  }
}
