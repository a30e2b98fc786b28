import { waitUntil } from '../../wait-until.mjs';
import { figure, plural, round, shares } from '../figure.mjs';

const table = 'fan';

/** Rows in batches of 1,000 to subscribers that have nothing else to do; the clock stops when the last has all. */
export async function fanOut(/** @type {import('../contender.mjs').Contender} */ contender) {
  const { system } = contender;
  await system.createTable(table, { isIndexed: true, isReplicated: false });
  const followers = [];
  const reach = async (/** @type {number} */ limitMs) => {
    const expected = contender.written(table);
    // One after the other: the slowest decides.
    for (const { progress } of followers)
      await waitUntil(
        `${expected} rows at each follower`,
        limitMs,
        async () => (await progress()) >= expected,
      );
  };
  const figures = [];
  for (const subscribers of contender.fanOut) {
    while (followers.length < subscribers) followers.push(await system.startFollower(table));
    const rows = contender.rows(50_000);
    await contender.fill(table, 1_000);
    await reach(60_000);
    const endUsage = contender.startUsage();
    await contender.fill(table, rows);
    await reach(30_000 + rows * subscribers);
    const used = endUsage();
    figures.push(
      figure(
        'F',
        `fan-out to ${plural(subscribers, 'subscriber')}, rows that all have`,
        rows / used.seconds,
        'rows/s',
        {
          seconds: round(used.seconds),
          publisher_mib: round(system.idleMiB()),
          ...shares(used, rows),
        },
      ),
    );
  }
  return figures;
}
