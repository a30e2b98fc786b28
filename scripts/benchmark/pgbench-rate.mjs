import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** @typedef {import('node:stream').Readable} Readable */

/** Before the window, to connect and warm up as everywhere, and after it: pgbench says nothing of its last second. */
const around = 1;

/** @param {number} seconds of the window */
export function pgbenchTiming(seconds) {
  return ['-T', String(seconds + 2 * around), '--progress=1', '--progress-timestamp'];
}

/**
 * The rate of a window within a run of pgbench: it begins and ends with a line of progress while all connections are
 * open, so that the system is charged neither for starting a process for each nor for ending it.
 *
 * @param {import('node:child_process').ChildProcessByStdio<null, Readable, Readable>} child pgbench with {@link pgbenchTiming}
 * @param {object} options
 * @param {number} options.seconds
 * @param {() => () => import('./usage.mjs').Usage} options.startUsage called when the window begins, the answer when it ends
 * @returns {Promise<import('./rate.mjs').Rate>}
 * @throws an Error with its output when pgbench fails or is not heard of in time
 */
export async function pgbenchRate(child, { seconds, startUsage }) {
  let output = '';
  let began;
  let last;
  let endUsage;
  let usage;
  let rows = 0;
  let totalMs = 0;
  const read = (/** @type {string} */ line) => {
    const progress = /^progress: ([\d.]+) s, ([\d.]+) tps, lat ([\d.]+) ms/.exec(line);
    if (!progress || usage) return;
    const [at, tps, latencyMs] = progress.slice(1).map(Number);
    if (began === undefined) {
      began = at;
      endUsage = startUsage();
    } else {
      const written = tps * (at - last);
      rows += written;
      totalMs += written * latencyMs;
      // Its lines are a few milliseconds early or late.
      if (at - began > seconds - 0.5) usage = endUsage();
    }
    last = at;
  };
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`;
      read(line);
    });
  const [status] = await once(child, 'close');
  if (status !== 0 || !usage) throw new Error(`pgbench failed: ${output.trim()}`);
  return { rowsPerSecond: rows / (last - began), meanMs: totalMs / rows, rows, usage };
}
