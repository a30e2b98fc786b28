/** @param {number[]} values sorted in place */
export function percentiles(values) {
  values.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
