import { setTimeout as sleep } from 'node:timers/promises';
import { figure } from '../figure.mjs';
import { bytesBetween } from '../socket-bytes.mjs';

const table = 'readings';

/** Both directions between the two nodes: rows, confirmations, and the heartbeats of that time; then those alone. */
export async function wire(/** @type {import('../contender.mjs').Contender} */ contender) {
  const { system } = contender;
  const figures = [];
  if (!system.wireBytes) return figures;
  for (const { rows, fill, how } of [
    { rows: contender.rows(200_000), fill: 'fill', how: 'batches of 1,000' },
    { rows: contender.rows(50_000), fill: 'fillSingly', how: 'single inserts at 64 connections' },
  ]) {
    const before = await system.wireBytes();
    await contender[fill](table, rows);
    await contender.awaitRows(table);
    const bytes = bytesBetween(before, await system.wireBytes());
    figures.push(figure('W', `bytes on the wire per row, ${how}`, bytes / rows, 'B', { bytes, rows }));
  }
  const before = await system.wireBytes();
  const idleMs = contender.ms(60_000);
  await sleep(idleMs);
  const bytes = bytesBetween(before, await system.wireBytes());
  figures.push(
    figure('W', 'bytes on the wire of an idle link', (bytes * 1_000) / idleMs, 'B/s', { bytes, idleMs }),
  );
  return figures;
}
