import { parseReading } from '../../examples/factory/readings.mjs';

/**
 * Ids of which the two sides do not hold the same: missing on one, or with other contents, its times included.
 *
 * @param {ReadonlyMap<string, object>} ours
 * @param {ReadonlyMap<string, object>} theirs
 */
export function differing(ours, theirs) {
  const ids = new Set([...ours.keys(), ...theirs.keys()]);
  return [...ids].filter((id) => canonical(ours.get(id)) !== canonical(theirs.get(id)));
}

/**
 * Readings of the machine's own file that are not among the rows.
 *
 * @param {readonly string[]} lines
 * @param {ReadonlyMap<string, Record<string, unknown>>} rows
 */
export function missing(lines, rows) {
  const readings = lines.flatMap((line) => parseReading(line) ?? []);
  return readings
    .filter(({ id, timestamp, value }) => {
      const row = rows.get(id);
      return row === undefined || row.timestamp !== timestamp || row.value !== value;
    })
    .map(({ id }) => id);
}

/** @param {object | undefined} row */
function canonical(row) {
  return row === undefined ? undefined : JSON.stringify(sorted(row));
}

/** @param {unknown} value */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).toSorted();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}
