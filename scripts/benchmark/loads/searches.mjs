import { count, figure, round } from '../figure.mjs';
import { percentiles } from '../percentiles.mjs';
import { idOf, recordedAtOf } from '../readings.mjs';

const table = 'searched';
const rangeRows = 100;

/** One search after the other over one connection, whole rows in the answer. */
export async function searches(/** @type {import('../contender.mjs').Contender} */ contender) {
  const rows = contender.rows(1_000_000);
  await contender.system.createTable(table, { isIndexed: true, isReplicated: false });
  await contender.fill(table, rows);
  const searcher = await contender.system.openSearcher(table);
  const any = (/** @type {number} */ below) => Math.floor(Math.random() * below);
  const figures = [];
  try {
    for (const { name, times, found, search } of [
      { name: 'search by id', times: 2_000, found: 1, search: () => searcher.byId(idOf(any(rows))) },
      {
        name: 'indexed search, 1 row',
        times: 2_000,
        found: 1,
        search: () => searcher.byTime(recordedAtOf(any(rows)), 1),
      },
      {
        name: `indexed search, ${rangeRows} rows`,
        times: 500,
        found: rangeRows,
        search: () => searcher.byTime(recordedAtOf(any(rows - rangeRows)), rangeRows),
      },
      {
        name: `full scan of ${count(rows)} rows`,
        times: 10,
        found: 0,
        search: () => searcher.byNote('no such note'),
      },
    ])
      figures.push(...searchFigures(name, await timed(times, found, search)));
  } finally {
    searcher.close();
  }
  return figures;
}

/**
 * @param {number} times
 * @param {number} found rows that a right answer holds
 * @param {() => Promise<number>} search
 */
async function timed(times, found, search) {
  const latencies = [];
  const warmUp = Math.ceil(times / 10);
  for (let at = -warmUp; at < times; at += 1) {
    const askedAt = performance.now();
    const answered = await search();
    if (at >= 0) latencies.push(performance.now() - askedAt);
    if (answered !== found) throw new Error(`A search found ${answered} rows where there are ${found}`);
  }
  return latencies;
}

/**
 * @param {string} name
 * @param {number[]} latencies
 */
function searchFigures(name, latencies) {
  const { p50Ms, p99Ms } = percentiles(latencies);
  const details = {
    samples: latencies.length,
    mean_ms: round(latencies.reduce((a, b) => a + b) / latencies.length),
  };
  return [
    figure('Q', `${name}, p50`, p50Ms, 'ms', details),
    figure('Q', `${name}, p99`, p99Ms, 'ms', details),
  ];
}
