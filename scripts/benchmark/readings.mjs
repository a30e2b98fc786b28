/**
 * The rows of every load: 17 fields, 347 bytes on average as JSON, made cheaply, because the client shares the
 * machine with what it measures. Only `id` and `recorded_at` differ from row to row beyond a pool of variants.
 */

/** Attributes with a secondary index in the tables that have any. */
export const indexedFields = ['machine', 'recorded_at'];

/** Columns in the order of {@link sqlRow} and {@link copyRow}. */
export const columns = [
  ['id', 'text primary key'],
  ['recorded_at', 'bigint'],
  ['machine', 'text'],
  ['line', 'text'],
  ['sensor', 'text'],
  ['temperature', 'double precision'],
  ['pressure', 'double precision'],
  ['vibration', 'double precision'],
  ['humidity', 'double precision'],
  ['current', 'double precision'],
  ['voltage', 'double precision'],
  ['speed', 'integer'],
  ['load', 'integer'],
  ['state', 'text'],
  ['operator', 'text'],
  ['batch', 'text'],
  ['note', 'text'],
];

const firstRecordedAt = 1_760_000_000_000;
const variants = Array.from({ length: 2_048 }, (_, at) => variant(at));
const jsonTails = variants.map((fields) => `,${JSON.stringify(fields).slice(1)}`);
const sqlTails = variants.map(
  (fields) =>
    `,${Object.values(fields)
      .map((value) => (typeof value === 'string' ? `'${value}'` : value))
      .join(',')})`,
);
const copyTails = variants.map((fields) => `\t${Object.values(fields).join('\t')}\n`);

/** @param {number} number */
export function idOf(number) {
  return `r-${String(number).padStart(9, '0')}`;
}

/** @param {string} id */
export function numberOf(id) {
  return Number(id.slice(2));
}

/** @param {number} number */
export function recordedAtOf(number) {
  return firstRecordedAt + number;
}

/**
 * A row of which nothing is of the pool.
 *
 * @param {number} number
 */
export function readingOf(number) {
  // Spread over the range, the same in every run.
  const spread = (number * 7_919) % 10_000;
  return {
    id: idOf(number),
    recorded_at: recordedAtOf(number),
    machine: `machine-${String(number % 200).padStart(3, '0')}`,
    line: `line-${number % 9}`,
    sensor: `sensor-${number % 64}-main`,
    temperature: 40 + spread / 137,
    pressure: 1 + spread / 10_000,
    vibration: spread / 1_000,
    humidity: 30 + (spread % 40),
    current: 10 + (spread % 900) / 100,
    voltage: 390 + (spread % 200) / 10,
    speed: 1_000 + (spread % 600),
    load: spread % 100,
    state: number % 17 === 0 ? 'maintenance' : 'production',
    operator: `operator-${number % 40}`,
    batch: `batch-2025-${number % 800}`,
    note: number % 5 === 0 ? 'calibrated' : 'within limits',
  };
}

/** @param {number} number */
export function jsonRow(number) {
  return `{"id":"${idOf(number)}","recorded_at":${recordedAtOf(number)}${tail(jsonTails, number)}`;
}

/** @param {number} number */
export function sqlRow(number) {
  return `('${idOf(number)}',${recordedAtOf(number)}${tail(sqlTails, number)}`;
}

/** @param {number} number */
export function copyRow(number) {
  return `${idOf(number)}\t${recordedAtOf(number)}${tail(copyTails, number)}`;
}

/**
 * The same row for pgbench, which makes its values itself: the id must differ between its connections.
 *
 * @param {string} table
 */
export function pgbenchScript(table) {
  const { machine, line, sensor, state, operator, batch, note } = variants[0];
  return [
    '\\set n :n + 1',
    '\\set machine random(0, 199)',
    '\\set a random(0, 99999)',
    '\\set b random(0, 99999)',
    `INSERT INTO ${table} VALUES ('r' || :run::text || '-' || :client_id::text || '-' || :n::text,`,
    `  ${firstRecordedAt} + :n::bigint, '${machine.slice(0, -3)}' || :machine::text, '${line}', '${sensor}',`,
    '  :a::int / 100.0, :b::int / 100.0, :a::int / 1000.0, :b::int / 1000.0, :a::int / 100.0, :b::int / 100.0,',
    `  :a::int, :b::int, '${state}', '${operator}', '${batch}', '${note}');`,
    '',
  ].join('\n');
}

/**
 * @param {readonly string[]} tails
 * @param {number} number
 */
function tail(tails, number) {
  return tails[number % tails.length];
}

/** @param {number} at */
function variant(at) {
  const { id: _id, recorded_at: _recordedAt, ...fields } = readingOf(at);
  return fields;
}
