import { round } from './figure.mjs';

/**
 * @typedef {object} Measured
 * @property {readonly string[]} systems the columns; the first two are what ratios divide
 * @property {ReadonlyMap<string, ReadonlyMap<string, import('./report.mjs').Cell>>} rows by figure and by system
 * @property {(figure: string) => import('./report.mjs').Summary | undefined} summaryOf
 * @property {number} elsewhere cores that other programs took, at most
 */

/**
 * The table of a run, for people, and what they must know of it. What only one side measures for itself stands below.
 *
 * @param {Measured} measured
 */
export function tableOf(measured) {
  const { systems, rows, summaryOf } = measured;
  const compared = systems.length > 1;
  const head = ['', ...systems, ...(compared ? ['ratio', 'cpu per row', ''] : [])];
  const names = [...rows.keys()];
  const isShared = (/** @type {string} */ name) => systems.some((system) => rows.get(name)?.has(system));
  const lines = names.filter(isShared).map((name) => {
    const summary = summaryOf(name);
    const values = systems.map((system) => valueOf(measured, name, system));
    if (!compared) return [name, ...values];
    return [
      name,
      ...values,
      summary?.ratio ? shown(summary.ratio) : '',
      summary?.cpu_per_row_ratio ? shown(summary.cpu_per_row_ratio) : '',
      summary ? `${summary.better} is better` : '',
    ];
  });
  const others = names
    .filter((name) => !isShared(name))
    .flatMap((name) =>
      [...(rows.get(name)?.keys() ?? [])].map((system) => [name, valueOf(measured, name, system)]),
    );
  const tables = [lines.length > 0 ? [head, ...lines] : [], others].filter((table) => table.length > 0);
  return `${tables.map(aligned).join('\n\n')}\n${remarks(measured)}`;
}

/**
 * @param {Measured} measured
 * @param {string} name
 * @param {string} system
 */
function valueOf({ rows, summaryOf }, name, system) {
  const cell = rows.get(name)?.get(system);
  if (cell?.error !== undefined) return 'failed';
  const summary = summaryOf(name);
  const spread = summary?.systems[system];
  if (!summary || !spread) return '-';
  return `${shown(spread)} ${summary.unit}${samplesOf(cell)}${notesOf(cell).length > 0 ? ' *' : ''}`;
}

/** @param {Measured} measured */
function remarks({ rows, elsewhere }) {
  const notes = [...rows].flatMap(([name, cells]) =>
    [...cells].flatMap(([system, cell]) => notesOf(cell).map((note) => `* ${name}: ${system} ${note}`)),
  );
  if (elsewhere > 0.2)
    notes.push(
      `Other programs took up to ${elsewhere.toFixed(1)} cores meanwhile (elsewhere_cpu of each line): rates are too low, lags too high; processor time per row is the steadier figure.`,
    );
  return notes.map((note) => `\n${note}`).join('') + (notes.length > 0 ? '\n' : '');
}

/** @param {import('./report.mjs').Cell | undefined} cell */
function notesOf(cell) {
  return [
    ...new Set([...(cell?.byRun.values() ?? [])].flatMap(({ note }) => (note === undefined ? [] : [note]))),
  ];
}

/**
 * From how many samples a p99 was taken: of a few hundred it is what the second or third slowest says.
 *
 * @param {import('./report.mjs').Cell | undefined} cell
 */
function samplesOf(cell) {
  const samples = [...(cell?.byRun.values() ?? [])].flatMap((figure) =>
    figure.figure.endsWith(', p99') && figure.samples !== undefined ? [figure.samples] : [],
  );
  return samples.length > 0 ? ` of ${Math.min(...samples)}` : '';
}

/** @param {import('./spread.mjs').Spread} spread */
function shown({ median, min, max, runs }) {
  const text = (/** @type {number} */ value) =>
    round(value).toLocaleString('en-US', { maximumFractionDigits: 3 });
  return runs > 1 ? `${text(median)} (${text(min)}-${text(max)})` : text(median);
}

/** @param {readonly (readonly string[])[]} lines first and sixth column to the left, numbers to the right */
function aligned(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column % 5 === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
