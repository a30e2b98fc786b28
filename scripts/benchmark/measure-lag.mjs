import { setTimeout as sleep } from 'node:timers/promises';
import { percentiles } from './percentiles.mjs';
import { idOf } from './readings.mjs';

/** So many rows per second are looked for; with more lookups the client and its load would be what is measured. */
const samplesPerSecond = 200;

export const lagMethod =
  'from the acknowledgement at the publisher to the answer of the first lookup by id that finds the row at the subscriber; one lookup after the other, only while a row is awaited; above 200 rows/s one of each group of consecutive rows, drawn at random';

/**
 * Writes rows one by one at a steady pace and asks the subscriber for a sample of them until each is there.
 *
 * Only the one that was acknowledged first is asked for: another that shows before it is noticed too late, never too early.
 *
 * @param {object} options
 * @param {readonly ((number: number) => Promise<void>)[]} options.writes each writes one row at the publisher, over a connection of its own
 * @param {(id: string) => Promise<boolean>} options.has whether the subscriber shows it
 * @param {number} options.firstNumber
 * @param {number} options.perSecond
 * @param {number} options.warmUpRows left out of the figures
 * @param {number} options.rows
 */
export async function measureLag({ writes, has, firstNumber, perSecond, warmUpRows, rows }) {
  const total = warmUpRows + rows;
  const sampled = sample(total, Math.ceil(perSecond / samplesPerSecond));
  const lags = [];
  const wholeLags = [];
  const lookups = [];
  const awaited = [];
  const due = [];
  const idle = [...writes];
  let acknowledged = 0;
  let isProbing = false;
  let failure;
  const fail = (/** @type {Error} */ error) => (failure ??= error);

  async function probe() {
    isProbing = true;
    for (let oldest = awaited[0]; oldest; oldest = awaited[0]) {
      const askedAt = performance.now();
      if (askedAt - oldest.acknowledgedAt > 30_000)
        throw new Error('A row was not visible at the peer after 30 s');
      const isThere = await has(idOf(firstNumber + oldest.at));
      const answeredAt = performance.now();
      lookups.push(answeredAt - askedAt);
      if (!isThere) continue;
      awaited.shift();
      if (oldest.at < warmUpRows) continue;
      lags.push(answeredAt - oldest.acknowledgedAt);
      wholeLags.push(answeredAt - oldest.dueAt);
    }
    isProbing = false;
  }

  /** Connections take turns; where all are busy a row waits, and the pace after it stays. */
  async function send() {
    const write = idle.shift();
    if (!write) return;
    for (let row = due.shift(); row; row = due.shift()) {
      await write(firstNumber + row.at);
      acknowledged += 1;
      if (!sampled.has(row.at)) continue;
      awaited.push({ ...row, acknowledgedAt: performance.now() });
      if (!isProbing) probe().catch(fail);
    }
    idle.push(write);
  }

  const startedAt = performance.now();
  for (let at = 0; at < total && !failure; at += 1) {
    const dueAt = startedAt + (at * 1_000) / perSecond;
    const dueIn = dueAt - performance.now();
    if (dueIn > 0) await sleep(dueIn);
    due.push({ at, dueAt: performance.now() });
    send().catch(fail);
  }
  while (acknowledged < total && !failure) await sleep(1);
  const seconds = (performance.now() - startedAt) / 1_000;
  while ((isProbing || awaited.length > 0) && !failure) await sleep(1);
  if (failure) throw new Error(failure.message, { cause: failure });
  const { p50Ms, p99Ms } = percentiles(lags);
  const whole = percentiles(wholeLags);
  return {
    p50Ms,
    p99Ms,
    fromRequestP50Ms: whole.p50Ms,
    fromRequestP99Ms: whole.p99Ms,
    lookupP50Ms: percentiles(lookups).p50Ms,
    samples: lags.length,
    perSecond: total / seconds,
  };
}

/**
 * One of each `group` numbers below `total`: by chance, so that no rhythm of the system hides between them.
 *
 * @param {number} total
 * @param {number} group
 */
function sample(total, group) {
  const numbers = Array.from(
    { length: Math.ceil(total / group) },
    (_, at) => at * group + Math.floor(Math.random() * group),
  );
  return new Set(numbers);
}
