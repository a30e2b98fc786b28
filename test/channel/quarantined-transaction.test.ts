import { describe, expect, test } from 'vitest';
import { maintain } from '../store/test-store.ts';
import { openPair, openTables, transact, twoTables, type Pair } from './replica-pair.ts';
import { keysOf, settle } from './replica.ts';

const hourMs = 3_600_000;

describe('a transaction over two channels that is ahead of the clock', () => {
  /** It waits, in two parts, at the second node; the id of one of them. */
  async function waiting({ a, b }: Pair): Promise<string> {
    a.pass(hourMs);
    await transact(a, 1);
    await Promise.all(twoTables.map(async (name) => b.step(a, name)));
    const [one, ...others] = b.store.quarantine.all();
    expect(others).toHaveLength(1);
    return one?.id ?? '';
  }

  test('is retried with all its parts', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { b } = nodes;
    const id = await waiting(nodes);
    b.pass(hourMs);

    await b.store.retryQuarantined(id);

    expect(twoTables.map((name) => keysOf(b, name))).toEqual([[1], [1]]);
    expect(b.store.quarantine.all()).toEqual([]);
  });

  test('is skipped with all its parts', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { b } = nodes;
    const id = await waiting(nodes);

    await b.store.skipQuarantined(id);
    b.pass(hourMs);
    await maintain(b.store);

    expect(twoTables.map((name) => keysOf(b, name))).toEqual([[], []]);
    expect(b.store.quarantine.all()).toEqual([]);
  });
});

test('what is ahead of the clock is not retried before its time: it would take the clock along', async () => {
  await using nodes = await openPair({ maxClockSkewMs: 60_000 });
  const { a, b } = nodes;
  await settle(a, b);
  a.pass(24 * hourMs);
  await a.upsert({ id: 'early' });
  await b.follow(a);
  const [one] = b.store.quarantine.all();

  const retried = b.store.retryQuarantined(one?.id ?? '');

  await expect(retried).rejects.toThrow(/this node's clock says .*: it applies by itself at /);
  expect(b.store.clock / 1_000 - b.nowMs).toBeLessThan(60_000);
  expect(b.store.quarantine.all()).toHaveLength(1);
});
