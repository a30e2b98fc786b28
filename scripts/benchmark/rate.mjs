import { machineCpuSeconds } from './process-tree.mjs';

/** Before a rate is measured. */
export const warmUpMs = 1_000;

/**
 * @typedef {object} Rate
 * @property {number} rowsPerSecond
 * @property {number} meanMs from sending a request to its acknowledgement
 * @property {number} [p50Ms]
 * @property {number} [p99Ms]
 * @property {number} rows
 * @property {Usage} usage
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

/**
 * @typedef {object} Usage
 * @property {number} seconds
 * @property {number} clientCpu share of one core that this process, the client, took
 * @property {number} elsewhereCpu cores taken by what is neither the client nor the system: above 0, figures are too low
 * @property {number} systemSeconds processor time of the system
 */

/**
 * Begins to count; the function that it returns tells what was used since.
 *
 * @param {() => number} cpuSeconds of the system
 * @returns {(otherClientSeconds?: number) => Usage} `otherClientSeconds`: of a client that is a process of its own
 */
export function startUsage(cpuSeconds) {
  const read = () => {
    const { user, system } = process.cpuUsage();
    return {
      at: performance.now(),
      client: (user + system) / 1e6,
      system: cpuSeconds(),
      machine: machineCpuSeconds(),
    };
  };
  const before = read();
  return (otherClientSeconds = 0) => {
    const after = read();
    const seconds = (after.at - before.at) / 1_000;
    const client = after.client - before.client + otherClientSeconds;
    const systemSeconds = after.system - before.system;
    const elsewhere = after.machine - before.machine - client - systemSeconds;
    return {
      seconds,
      clientCpu: client / seconds,
      elsewhereCpu: Math.max(0, elsewhere / seconds),
      systemSeconds,
    };
  };
}

/** @param {number[]} values sorted in place */
export function percentiles(values) {
  values.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

/**
 * Polls until `isDone`.
 *
 * @param {string} what for the error
 * @param {number} limitMs
 * @param {number} intervalMs
 * @param {() => Promise<boolean>} isDone
 */
export async function until(what, limitMs, intervalMs, isDone) {
  const deadline = performance.now() + limitMs;
  while (!(await isDone())) {
    if (performance.now() > deadline)
      throw new Error(`Waited ${Math.round(limitMs / 1_000)} s in vain for ${what}`);
    await sleep(intervalMs);
  }
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
