import { expect, test } from 'vitest';
import { indexedFields } from '../../scripts/benchmark/readings.mjs';
import { both, connect, keysOf, Replica } from '../channel/replica.ts';
import { makeTable } from '../store/test-store.ts';
import { allocatedBy, type Allocated } from './allocated-bytes.ts';
import { row, rows } from './rows.ts';
import { atOnce } from './store-counter.ts';

/** Over a budget by so much a count of samples is a regression, and not chance. */
const allowance = 1.25;

/** Compiled code allocates less: what the first rounds do is not counted. */
const warmRounds = 3;
const countedRounds = 3;

type Write = (replica: Replica, begin: number) => Promise<unknown>;

const singly: Write = async (replica, begin) =>
  atOnce(64, 1_000, async (number) => replica.upsert(row(begin + number)));
const asBatch: Write = async (replica, begin) => replica.upsert(...rows(1_000, begin));

/** The least of some rounds of 1,000 rows, in a table with two indexes. */
async function least(write: Write, side: 'writer' | 'subscriber'): Promise<Allocated> {
  await using a = await Replica.open('a');
  // Commits are bounded in time: on this clock none passes.
  await using b = await Replica.open('b', { steadyMs: () => 0 });
  for (const { store } of [a, b]) await makeTable(store, 'dog', indexedFields);
  await connect(a, b, both);
  await b.follow(a);
  let found: Allocated | undefined;
  for (let round = 0; round < warmRounds + countedRounds; round += 1) {
    const writing = async (): Promise<unknown> => write(a, round * 1_000);
    const following = async (): Promise<unknown> => b.follow(a);
    const [before, counted, after] =
      side === 'writer' ? [undefined, writing, following] : [writing, following, undefined];
    await before?.();
    const spent = await allocatedBy(counted);
    await after?.();
    if (round >= warmRounds && spent.bytes < (found?.bytes ?? Infinity)) found = spent;
  }
  expect(keysOf(b)).toHaveLength((warmRounds + countedRounds) * 1_000);
  return found ?? { bytes: Number.NaN, byFunction: [] };
}

test.each([
  { load: 'written 64 at a time', write: singly, side: 'writer', perRow: 13_300 },
  { load: 'written as a batch', write: asBatch, side: 'writer', perRow: 5_350 },
  { load: 'applied, each a transaction', write: singly, side: 'subscriber', perRow: 14_300 },
  { load: 'applied as one transaction', write: asBatch, side: 'subscriber', perRow: 4_000 },
] as const)('what a row costs on the heap: $load', async ({ write, side, perRow }) => {
  const { bytes, byFunction } = await least(write, side);

  const most = byFunction.slice(0, 12).map(([place, own]) => `  ${Math.round(own / 1_000)} ${place}`);
  expect(bytes / 1_000, `Bytes for each row, of which the most in\n${most.join('\n')}\n`).toBeLessThanOrEqual(
    perRow * allowance,
  );
});
