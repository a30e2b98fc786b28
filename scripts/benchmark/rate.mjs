/**
 * @typedef {object} Rate
 * @property {number} rowsPerSecond
 * @property {number} p50Ms from sending a request to its acknowledgement
 * @property {number} p99Ms
 * @property {number} clientCpu share of one core that this process, the client, took
 * @property {number} systemCpuSecondsPer100kRows
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
  let atStart;
  const work = writers.map(async (write) => {
    for (;;) {
      const sentAt = performance.now();
      if (sentAt >= windowEnd) return;
      if (sentAt >= windowStart) atStart ??= usage(cpuSeconds);
      const written = await write();
      const acknowledgedAt = performance.now();
      if (acknowledgedAt < windowStart || acknowledgedAt > windowEnd) continue;
      rows += written;
      latencies.push(acknowledgedAt - sentAt);
    }
  });
  await Promise.all(work);
  if (!atStart || rows === 0) throw new Error('No request was acknowledged in the time of the measurement');
  const atEnd = usage(cpuSeconds);
  const seconds = (atEnd.at - atStart.at) / 1_000;
  return {
    rowsPerSecond: (rows / windowMs) * 1_000,
    ...percentiles(latencies),
    clientCpu: (atEnd.client - atStart.client) / seconds,
    systemCpuSecondsPer100kRows: ((atEnd.system - atStart.system) / rows) * 100_000,
  };
}

/** @param {() => number} cpuSeconds */
export function usage(cpuSeconds) {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), client: (user + system) / 1e6, system: cpuSeconds() };
}

/** @param {number[]} values sorted in place */
export function percentiles(values) {
  values.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
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
    if (performance.now() > deadline) throw new Error(`Waited ${Math.round(limitMs / 1_000)} s in vain for ${what}`);
    await sleep(intervalMs);
  }
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
