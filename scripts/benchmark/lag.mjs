import { idOf } from './readings.mjs';
import { percentiles, sleep } from './rate.mjs';

export const lagMethod =
  'from the acknowledgement at the publisher to the answer of the first lookup by id that finds the row at the subscriber; one lookup after the other, only while a row is awaited';

/**
 * Writes rows one by one at a steady pace and asks the subscriber for each until it is there.
 *
 * Rows become visible in the order of their writing, so only the oldest that is missing is asked for.
 *
 * @param {object} options
 * @param {(number: number) => Promise<void>} options.write one row at the publisher
 * @param {(id: string) => Promise<boolean>} options.has whether the subscriber shows it
 * @param {number} options.firstNumber
 * @param {number} options.perSecond
 * @param {number} options.warmUpRows left out of the figures
 * @param {number} options.rows
 */
export async function measureLag({ write, has, firstNumber, perSecond, warmUpRows, rows }) {
  const total = warmUpRows + rows;
  const lags = [];
  const wholeLags = [];
  const lookups = [];
  const awaited = [];
  let seen = 0;
  let isProbing = false;
  let failure;

  async function probe() {
    isProbing = true;
    for (;;) {
      const oldest = awaited[0];
      if (!oldest) break;
      const askedAt = performance.now();
      if (askedAt - oldest.acknowledgedAt > 30_000)
        throw new Error('A row was not visible at the peer after 30 s');
      const isThere = await has(idOf(oldest.number));
      const answeredAt = performance.now();
      lookups.push(answeredAt - askedAt);
      if (!isThere) continue;
      awaited.shift();
      seen += 1;
      if (oldest.number < firstNumber + warmUpRows) continue;
      lags.push(answeredAt - oldest.acknowledgedAt);
      wholeLags.push(answeredAt - oldest.sentAt);
    }
    isProbing = false;
  }

  const fail = (/** @type {Error} */ error) => (failure ??= error);
  const startedAt = performance.now();
  let written = Promise.resolve();
  for (let at = 0; at < total && !failure; at += 1) {
    const dueIn = startedAt + (at * 1_000) / perSecond - performance.now();
    if (dueIn > 0) await sleep(dueIn);
    const sentAt = performance.now();
    // In order: a slow write delays the next ones, and not the pace after it.
    written = written
      .then(() => write(firstNumber + at))
      .then(() => {
        awaited.push({ number: firstNumber + at, sentAt, acknowledgedAt: performance.now() });
        if (!isProbing) probe().catch(fail);
      })
      .catch(fail);
  }
  const pacedSeconds = (performance.now() - startedAt) / 1_000;
  await written;
  while (seen < total && !failure) await sleep(1);
  if (failure) throw new Error(failure.message, { cause: failure });
  const { p50Ms, p99Ms } = percentiles(lags);
  const whole = percentiles(wholeLags);
  return {
    p50Ms,
    p99Ms,
    fromRequestP50Ms: whole.p50Ms,
    fromRequestP99Ms: whole.p99Ms,
    lookupP50Ms: percentiles(lookups).p50Ms,
    perSecond: total / pacedSeconds,
  };
}
