import { batchRows } from '../contender.mjs';
import { count, figure, round, shares } from '../figure.mjs';

/** What {@link link} subscribes; the other tables stay at the publisher. */
export const replicatedTables = {
  readings: { isIndexed: true },
  plain: { isIndexed: false },
  grown: { isIndexed: true },
};

/** The clock runs from the request to subscribe, indexes included. */
export async function initialCopy(/** @type {import('../contender.mjs').Contender} */ contender) {
  await prepareLink(contender);
  const rows = contender.rows(1_000_000);
  await contender.fill('readings', rows);
  const endUsage = contender.startUsage();
  await contender.system.link(Object.keys(replicatedTables));
  await contender.awaitProgress('readings');
  const used = endUsage();
  const peakMiB = contender.system.peakMiB();
  await contender.awaitRows('readings');
  return [
    figure('I', `initial copy of ${count(rows)} rows`, rows / used.seconds, 'rows/s', {
      seconds: round(used.seconds),
      ...shares(used, rows),
      subscriber_peak_rss_mib: round(peakMiB),
    }),
  ];
}

/** Subscribes empty tables, for the loads that follow. */
export async function link(/** @type {import('../contender.mjs').Contender} */ contender) {
  await prepareLink(contender);
  await contender.system.link(Object.keys(replicatedTables));
  // Some rows go through, so that what is measured next finds the channel live.
  await contender.fill('readings', batchRows);
  await contender.awaitRows('readings');
}

/** @param {import('../contender.mjs').Contender} contender */
async function prepareLink({ system }) {
  await system.startSubscriber();
  for (const [table, { isIndexed }] of Object.entries(replicatedTables))
    await system.createTable(table, { isIndexed, isReplicated: true });
}
