import { count, figure, rateFigure } from '../figure.mjs';
import { lagFigures } from './lag.mjs';

const table = 'grown';
const smallRows = 10_000;

/** The same writes with few rows in the table and with many, while the peer applies them. */
export async function growth(/** @type {import('../contender.mjs').Contender} */ contender) {
  const steps = [];
  for (const rows of [contender.rows(smallRows), contender.rows(contender.grownRows)]) {
    const missing = rows - contender.written(table);
    if (missing > 0) await contender.fill(table, missing);
    await contender.awaitRows(table);
    steps.push(await measuredAt(contender, rows));
  }
  const [small, grown] = steps;
  const slowdowns = small.map(({ what, value, unit }, at) => {
    const now = grown[at].value;
    return figure('G', `${what}, times slower when grown`, unit === 'ms' ? now / value : value / now, 'x');
  });
  return [...steps.flat().map(({ measured }) => measured), ...slowdowns];
}

/**
 * @param {import('../contender.mjs').Contender} contender
 * @param {number} rows in the table before the first of these writes
 */
async function measuredAt(contender, rows) {
  const from = `from ${count(rows)} rows on`;
  const measured = [
    ...(await lagFigures(contender, { load: 'G', name: `lag ${from}`, table, perSecond: 500, seconds: 5 })),
    await writes(contender, `single inserts ${from}, 64 connections`, { connections: 64, rowsPerWrite: 1 }),
    await writes(contender, `batches of 1,000 ${from}, 1 connection`, {
      connections: 1,
      rowsPerWrite: 1_000,
    }),
  ];
  return measured.map((each) => ({
    measured: each,
    what: each.figure.slice(2).replace(` ${from}`, ''),
    value: each.value,
    unit: each.unit,
  }));
}

/**
 * @param {import('../contender.mjs').Contender} contender
 * @param {string} name
 * @param {{ connections: number, rowsPerWrite: number }} options
 */
async function writes(contender, name, options) {
  const rate = await contender.measureWrites(table, options, contender.ms(3_000));
  await contender.awaitRows(table);
  return rateFigure('G', name, rate);
}
