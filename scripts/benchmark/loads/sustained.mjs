import { figure, round, shares } from '../figure.mjs';
import { measureRate, sleep, warmUpMs } from '../rate.mjs';

/** Writes as fast as the publisher takes it; what counts is what shows at the subscriber in the same time. */
export async function sustained(/** @type {import('../contender.mjs').Contender} */ contender) {
  const table = 'readings';
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
  const [rate, { shown, behind, seconds, used }] = await Promise.all([
    contender.withWriters(table, { connections: 2, how: 'bulk' }, (writers) =>
      measureRate({ writers, warmUpMs, windowMs, cpuSeconds: () => system.cpuSeconds() }),
    ),
    watch(),
  ]);
  await contender.awaitRows(table);
  return [
    figure('R', 'sustained replicated rows', shown / seconds, 'rows/s', {
      written_rows_per_s: round(rate.rowsPerSecond),
      behind_at_end_rows: behind,
      ...shares(used, shown),
    }),
  ];
}
