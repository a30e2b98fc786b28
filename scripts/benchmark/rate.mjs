import { percentiles } from './percentiles.mjs';
import { startUsage } from './usage.mjs';

/** Before a rate is measured. */
export const warmUpMs = 1_000;

/**
 * @typedef {object} Rate
 * @property {number} rowsPerSecond
 * @property {number} meanMs from sending a request to its acknowledgement
 * @property {number} [p50Ms]
 * @property {number} [p99Ms]
 * @property {number} rows
 * @property {import('./usage.mjs').Usage} usage
 */

/**
 * Runs writers side by side, first for a warm-up that does not count.
 *
 * @param {object} options
 * @param {readonly (() => Promise<number>)[]} options.writers each sends one request and tells how many rows it acknowledged
 * @param {number} options.warmUpMs
 * @param {number} options.windowMs
 * @param {() => number} options.cpuSeconds of the system under test
 * @returns {Promise<Rate>}
 */
export async function measureRate({ writers, warmUpMs, windowMs, cpuSeconds }) {
  const windowStart = performance.now() + warmUpMs;
  const windowEnd = windowStart + windowMs;
  const latencies = [];
  let rows = 0;
  /** @type {ReturnType<typeof startUsage> | undefined} */
  let endUsage;
  const work = writers.map(async (write) => {
    for (;;) {
      const sentAt = performance.now();
      if (sentAt >= windowEnd) return;
      if (sentAt >= windowStart) endUsage ??= startUsage(cpuSeconds);
      const written = await write();
      const acknowledgedAt = performance.now();
      if (acknowledgedAt < windowStart || acknowledgedAt > windowEnd) continue;
      rows += written;
      latencies.push(acknowledgedAt - sentAt);
    }
  });
  await Promise.all(work);
  if (!endUsage || rows === 0) throw new Error('No request was acknowledged in the time of the measurement');
  return {
    rowsPerSecond: (rows / windowMs) * 1_000,
    ...percentiles(latencies),
    meanMs: latencies.reduce((total, value) => total + value, 0) / latencies.length,
    rows,
    usage: endUsage(),
  };
}
