/**
 * What several runs say of one figure.
 *
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 * @property {number} runs
 */

/**
 * @param {readonly number[]} values of at least one run
 * @returns {Spread}
 */
export function spreadOf(values) {
  return around(values, (a, b) => (a + b) / 2);
}

/**
 * Of an even number of runs the median is the geometric mean of the two in the middle: half as fast in one run and twice
 * as fast in the other is as fast.
 *
 * @param {readonly number[]} ratios of at least one run
 * @returns {Spread}
 */
export function ratioSpreadOf(ratios) {
  return around(ratios, (a, b) => (a === b ? a : Number(Math.sqrt(a * b).toPrecision(3))));
}

/**
 * @param {readonly number[]} values
 * @param {(a: number, b: number) => number} between the two in the middle, one and the same of an odd number
 * @returns {Spread}
 */
function around(values, between) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = between(sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]);
  return { median, min: sorted[0], max: sorted[sorted.length - 1], runs: sorted.length };
}
