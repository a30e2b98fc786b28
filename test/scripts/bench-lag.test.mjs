import { expect, test } from 'vitest';
import { measureLag } from '../../scripts/benchmark/measure-lag.mjs';

const after = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A peer that shows each row so long after its acknowledgement.
 *
 * @param {{ acknowledgeMs: number, showMs: number }} delays
 */
function slowPeer({ acknowledgeMs, showMs }) {
  const shownAt = new Map();
  return {
    write: async (/** @type {number} */ number) => {
      await after(acknowledgeMs);
      shownAt.set(number, performance.now() + showMs);
    },
    has: async (/** @type {string} */ id) => {
      await after(0);
      return performance.now() >= (shownAt.get(Number(id.slice(2))) ?? Infinity);
    },
  };
}

test('lag begins at the acknowledgement and is never less than what the peer took', async () => {
  const { write, has } = slowPeer({ acknowledgeMs: 1, showMs: 30 });

  const lag = await measureLag({
    writes: [write, write],
    has,
    firstNumber: 7,
    perSecond: 100,
    warmUpRows: 5,
    rows: 20,
  });

  expect(lag.samples).toBe(20);
  expect(lag.p50Ms).toBeGreaterThanOrEqual(30);
  expect(lag.fromRequestP50Ms).toBeGreaterThan(lag.p50Ms);
});

test('above 200 rows a second one of each group is looked for', async () => {
  const { write, has } = slowPeer({ acknowledgeMs: 0, showMs: 0 });

  const lag = await measureLag({
    writes: Array.from({ length: 16 }, () => write),
    has,
    firstNumber: 0,
    perSecond: 1_000,
    warmUpRows: 50,
    rows: 200,
  });

  expect(lag.samples).toBe(40);
});

test('a publisher that cannot keep the pace is found out, though rows are sent at it', async () => {
  const { write, has } = slowPeer({ acknowledgeMs: 20, showMs: 0 });

  const lag = await measureLag({
    writes: [write],
    has,
    firstNumber: 0,
    perSecond: 200,
    warmUpRows: 0,
    rows: 20,
  });

  expect(lag.perSecond).toBeLessThan(55);
});

test('a write that fails ends the measurement with its reason', async () => {
  const write = () => Promise.reject(new Error('HTTP/1.1 500'));

  await expect(
    measureLag({
      writes: [write],
      has: () => Promise.resolve(true),
      firstNumber: 0,
      perSecond: 100,
      warmUpRows: 0,
      rows: 5,
    }),
  ).rejects.toThrow('HTTP/1.1 500');
});
