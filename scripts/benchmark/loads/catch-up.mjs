import { count, figure, round, shares, suffix } from '../figure.mjs';
import { watchPeak } from '../watch-peak.mjs';
import { replicatedTables } from './initial-copy.mjs';

const batched = { rows: 1_000_000, fill: 'fill', how: 'in batches of 1,000' };
const single = { rows: 200_000, fill: 'fillSingly', how: 'written singly' };

/** @param {import('../contender.mjs').Contender} contender */
export async function catchUp(contender) {
  const { system } = contender;
  const figures = [];
  for (const { table, outage } of [
    { table: 'readings', outage: batched },
    { table: 'plain', outage: batched },
    { table: 'readings', outage: single },
  ]) {
    const rows = contender.rows(outage.rows);
    await system.cut();
    await contender[outage.fill](table, rows);
    const restoredAt = performance.now();
    await system.restore();
    // What arrived before the node was ready counts for neither side of the division.
    const atReady = await system.progress(table);
    const endUsage = contender.startUsage();
    const endPeak = watchPeak(() => system.ownMiB());
    const missing = contender.written(table) - atReady;
    await contender.awaitProgress(table);
    const used = endUsage();
    const ownMiB = endPeak();
    const withPagesMiB = system.peakMiB();
    await contender.awaitRows(table);
    const name = `catch-up of ${count(rows)} rows ${outage.how}${suffix(replicatedTables[table].isIndexed)}`;
    figures.push(
      figure('C', name, missing / used.seconds, 'rows/s', {
        seconds: round(used.seconds),
        rows_before_ready: rows - missing,
        seconds_from_restart: round((performance.now() - restoredAt) / 1_000),
        ...shares(used, missing),
      }),
      figure('C', `${name}, peak of a process`, ownMiB, 'MiB', {
        with_pages_of_files_mib: round(withPagesMiB),
      }),
    );
  }
  return figures;
}
