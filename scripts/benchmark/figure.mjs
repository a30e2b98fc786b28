/**
 * One measured value, as a JSON line says it.
 *
 * @typedef {object} Figure
 * @property {string} figure what was measured, the same words in every run and for every system
 * @property {number} value
 * @property {string} unit
 * @property {'higher' | 'lower'} better
 * @property {string} load letter of the load
 * @property {number} [elsewhere_cpu]
 * @property {number} [samples] from which a percentile was taken
 * @property {string} [note] what a reader of the table must know of this value
 */

/**
 * @param {string} load
 * @param {string} name
 * @param {number} value
 * @param {string} unit
 * @param {object} details
 * @returns {Figure}
 */
export function figure(load, name, value, unit, details = {}) {
  return {
    figure: `${load} ${name}`,
    value: round(value),
    unit,
    better: unit.endsWith('/s') ? 'higher' : 'lower',
    load,
    ...details,
  };
}

/**
 * @param {string} load
 * @param {string} name
 * @param {import('./rate.mjs').Rate} rate
 */
export function rateFigure(load, name, rate) {
  return figure(load, name, rate.rowsPerSecond, 'rows/s', {
    mean_ms: round(rate.meanMs),
    ...(rate.p50Ms === undefined ? {} : { p50_ms: round(rate.p50Ms) }),
    ...(rate.p99Ms === undefined ? {} : { p99_ms: round(rate.p99Ms) }),
    ...shares(rate.usage, rate.rows),
  });
}

/**
 * @param {import('./usage.mjs').Usage} used
 * @param {number} rows
 */
export function shares({ clientCpu, elsewhereCpu, systemSeconds }, rows) {
  return {
    client_cpu: round(clientCpu),
    elsewhere_cpu: round(elsewhereCpu),
    system_cpu_s_per_100k_rows: round((systemSeconds / Math.max(1, rows)) * 100_000),
  };
}

/** @param {boolean} isIndexed */
export function suffix(isIndexed) {
  return isIndexed ? '' : ', no secondary index';
}

/**
 * @param {number} number
 * @param {string} noun
 */
export function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** @param {number} rows */
export function count(rows) {
  return rows.toLocaleString('en-US');
}

/** @param {number} value three digits, whole from 1,000 on */
export function round(value) {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3));
}
