import { expect, test } from 'vitest';
import { nodeAlarms } from '../../src/channel/alarms.ts';
import { connect, keysOf, Replica, settle } from './replica.ts';
import { openPair, type Pair } from './replica-pair.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

const lastMs = Number.MAX_SAFE_INTEGER / 1_000;

/** Two nodes that share a table; the clock of b has not been set since it was started. */
async function openUnset(): Promise<Pair> {
  const nodes = await openPair({ maxClockSkewMs: 60_000 });
  const { a, b } = nodes;
  await settle(a, b);
  b.pass(-b.nowMs);
  return nodes;
}

test.each([
  ['the last one that there is', lastMs - 1],
  ['of a clock that is decades ahead', Date.UTC(2099, 0)],
])(
  'while its clock is unset a node takes no version that it could not go on from: %s',
  async (_, aheadMs) => {
    await using nodes = await openUnset();
    const { a, b } = nodes;
    await using c = await Replica.open('c', { maxClockSkewMs: 60_000 });
    await connect(b, c);
    const rightMs = c.nowMs;
    a.pass(aheadMs - a.nowMs);
    await a.upsert({ id: 'far ahead' });
    await b.follow(a);

    await b.upsert({ id: 'written here' });
    await settle(b, c);

    expect([keysOf(b), keysOf(c)]).toEqual([['written here'], ['written here']]);
    expect(quarantinedAt(b.store)).toMatchObject([{ peer: 'a', dueAtMs: expect.any(Number) }]);
    expect(b.store.clock).toBeLessThan((rightMs + 60_000) * 1_000);
  },
);

test('while its clock is unset a node takes what others write now, and what is no newer than what it has', async () => {
  await using nodes = await openUnset();
  const { a, b } = nodes;
  a.pass(Date.UTC(2035, 0) - a.nowMs);
  await a.upsert({ id: 'years later' });
  await b.follow(a);
  expect(keysOf(b)).toEqual(['years later']);

  b.pass(Date.UTC(2099, 0));
  await b.upsert({ id: 'by a clock that was wrong' });
  b.pass(-b.nowMs);
  a.pass(Date.UTC(2098, 0) - a.nowMs);
  await a.upsert({ id: 'older than that' });
  await b.follow(a);

  expect(keysOf(b)).toContain('older than that');
  expect(quarantinedAt(b.store)).toEqual([]);
});

test('a clock that is unset raises an alarm', async () => {
  await using nodes = await openUnset();
  const { b } = nodes;
  const raised = (): readonly string[] =>
    nodeAlarms(b.store).flatMap(({ key, text }) => (key === 'clock' ? [text] : []));

  expect(raised()).toEqual([
    expect.stringContaining('the clock of this node shows 1970-01-01T00:00:00.000Z'),
  ]);
  b.pass(Date.UTC(2026, 6));
  expect(raised()).toEqual([expect.stringContaining('2027-01-15T08:00:00')]);
  b.pass(1_800_000_000_000 - b.nowMs);
  expect(raised()).toEqual([]);
});
