import { setTimeout as sleep } from 'node:timers/promises';
import { figure, rateFigure, round, shares } from '../figure.mjs';
import { warmUpMs } from '../rate.mjs';

const table = 'readings';

/** Writes as fast as the publisher takes it, in the fastest way it has; what counts is what shows at the subscriber in the same time. */
export async function sustained(/** @type {import('../contender.mjs').Contender} */ contender) {
  const bulk = await writtenAndShown(contender, { connections: 2, how: 'bulk' });
  const batches = await writtenAndShown(contender, { connections: 1, how: 'insert' });
  return [
    figure('R', 'sustained replicated rows', bulk.shown / bulk.seconds, 'rows/s', {
      written_rows_per_s: round(bulk.rate.rowsPerSecond),
      behind_at_end_rows: bulk.behind,
      ...shares(bulk.used, bulk.shown),
    }),
    {
      ...rateFigure('R', 'batches of 1,000 while the peer applies, 1 connection', batches.rate),
      replicated_rows_per_s: round(batches.shown / batches.seconds),
      behind_at_end_rows: batches.behind,
    },
  ];
}

/**
 * @param {import('../contender.mjs').Contender} contender
 * @param {{ connections: number, how: 'insert' | 'bulk' }} writing
 */
async function writtenAndShown(contender, writing) {
  const { system } = contender;
  const windowMs = contender.ms(8_000);
  const watch = async () => {
    await sleep(warmUpMs);
    const endUsage = contender.startUsage();
    const before = await system.progress(table);
    const startedAt = performance.now();
    await sleep(windowMs);
    const after = await system.progress(table);
    const seconds = (performance.now() - startedAt) / 1_000;
    return { shown: after - before, behind: contender.written(table) - after, seconds, used: endUsage() };
  };
  const [rate, watched] = await Promise.all([contender.measureWrites(table, writing, windowMs), watch()]);
  await contender.awaitRows(table);
  return { rate, ...watched };
}
