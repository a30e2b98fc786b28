import { round } from './figure.mjs';
import { ratioSpreadOf, spreadOf } from './spread.mjs';

/**
 * @typedef {object} Cell one figure of one system
 * @property {Map<number, import('./figure.mjs').Figure>} byRun
 * @property {string} [error]
 */

/**
 * @typedef {object} Summary
 * @property {string} figure
 * @property {string} load
 * @property {string} unit
 * @property {'higher' | 'lower'} better
 * @property {Record<string, import('./spread.mjs').Spread>} systems
 * @property {import('./spread.mjs').Spread} [ratio] of the first system to the second, run by run: what else the machine did met both
 * @property {string} [of] the two systems of the ratio, with a slash between them
 * @property {import('./spread.mjs').Spread} [cpu_per_row_ratio]
 */

/** @typedef {Summary & Required<Pick<Summary, 'ratio' | 'of'>>} Compared */

/** Figures as they come, one JSON line each on stdout; at the end one line for each figure over all runs, and a table on stderr. */
export class Report {
  /** @type {Map<string, Map<string, Cell>>} */
  #rows = new Map();
  #systems;
  #run = 0;
  #elsewhere = 0;

  /** @param {readonly string[]} systems the columns of the table; the first two are what ratios divide */
  constructor(systems) {
    this.#systems = systems;
  }

  /** What comes from now on belongs to the next run. */
  nextRun() {
    this.#run += 1;
  }

  /** @param {object} line */
  line(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }

  /**
   * @param {string} system
   * @param {import('./figure.mjs').Figure} figure
   */
  figure(system, figure) {
    const { figure: name, value, unit, ...details } = figure;
    this.line({ figure: name, value, unit, system, run: this.#run, ...details });
    this.#elsewhere = Math.max(this.#elsewhere, details.elsewhere_cpu ?? 0);
    this.#cell(name, system).byRun.set(this.#run, figure);
  }

  /**
   * @param {string} system
   * @param {string} load
   * @param {unknown} cause
   */
  failure(system, load, cause) {
    const error = cause instanceof Error ? cause.message : String(cause);
    this.line({ figure: load, system, run: this.#run, error });
    this.#cell(load, system).error = error;
  }

  /** @returns {Summary[]} of the figures that were measured */
  summaries() {
    return [...this.#rows.keys()]
      .map((name) => this.#summary(name))
      .filter((summary) => summary !== undefined);
  }

  table() {
    const compared = this.#systems.length > 1;
    const head = ['', ...this.#systems, ...(compared ? ['ratio', 'cpu per row', ''] : [])];
    const names = [...this.#rows.keys()];
    const isShared = (/** @type {string} */ name) =>
      this.#systems.some((system) => this.#rows.get(name)?.has(system));
    const lines = names.filter(isShared).map((name) => {
      const summary = this.#summary(name);
      const values = this.#systems.map((system) => this.#valueOf(name, system));
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
        [...(this.#rows.get(name)?.keys() ?? [])].map((system) => [name, this.#valueOf(name, system)]),
      );
    const tables = [lines.length > 0 ? [head, ...lines] : [], others].filter((table) => table.length > 0);
    process.stderr.write(`\n${tables.map(aligned).join('\n\n')}\n${this.#remarks()}`);
  }

  /**
   * @param {string} name
   * @param {string} system
   */
  #valueOf(name, system) {
    const cell = this.#rows.get(name)?.get(system);
    if (cell?.error !== undefined) return 'failed';
    const summary = this.#summary(name);
    const spread = summary?.systems[system];
    if (!summary || !spread) return '-';
    return `${shown(spread)} ${summary.unit}${samplesOf(cell)}${notesOf(cell).length > 0 ? ' *' : ''}`;
  }

  #remarks() {
    const notes = [...this.#rows].flatMap(([name, cells]) =>
      [...cells].flatMap(([system, cell]) => notesOf(cell).map((note) => `* ${name}: ${system} ${note}`)),
    );
    if (this.#elsewhere > 0.2)
      notes.push(
        `Other programs took up to ${this.#elsewhere.toFixed(1)} cores meanwhile (elsewhere_cpu of each line): rates are too low, lags too high; processor time per row is the steadier figure.`,
      );
    return notes.map((note) => `\n${note}`).join('') + (notes.length > 0 ? '\n' : '');
  }

  /**
   * @param {string} name
   * @returns {Summary | undefined}
   */
  #summary(name) {
    const cells = this.#rows.get(name) ?? new Map();
    const measured = [...cells].filter(([, { byRun }]) => byRun.size > 0);
    const [any] = measured.flatMap(([, { byRun }]) => [...byRun.values()]);
    if (!any) return undefined;
    const systems = measured.map(([system, { byRun }]) => [
      system,
      spreadOf([...byRun.values()].map(({ value }) => value)),
    ]);
    const ratio = this.#ratio(cells, ({ value }) => value);
    const cpu = this.#ratio(cells, (figure) => figure.system_cpu_s_per_100k_rows);
    return {
      figure: name,
      load: any.load,
      unit: any.unit,
      better: any.better,
      systems: Object.fromEntries(systems),
      ...(ratio && { ratio, of: this.#systems.slice(0, 2).join('/') }),
      ...(cpu && { cpu_per_row_ratio: cpu }),
    };
  }

  /**
   * @param {Map<string, Cell>} cells
   * @param {(figure: any) => number | undefined} value
   */
  #ratio(cells, value) {
    const [ours, theirs] = this.#systems.map((system) => cells.get(system)?.byRun);
    if (!ours || !theirs) return undefined;
    const ratios = [...ours].flatMap(([run, figure]) => {
      const other = theirs.get(run);
      const [dividend, divisor] = [value(figure), other && value(other)];
      return dividend && divisor ? [Number((dividend / divisor).toPrecision(2))] : [];
    });
    return ratios.length > 0 ? ratioSpreadOf(ratios) : undefined;
  }

  /**
   * @param {string} name
   * @param {string} system
   * @returns {Cell}
   */
  #cell(name, system) {
    const cells = this.#rows.get(name) ?? new Map();
    this.#rows.set(name, cells);
    const cell = cells.get(system) ?? { byRun: new Map() };
    cells.set(system, cell);
    return cell;
  }
}

/** @param {Cell | undefined} cell */
function notesOf(cell) {
  return [
    ...new Set([...(cell?.byRun.values() ?? [])].flatMap(({ note }) => (note === undefined ? [] : [note]))),
  ];
}

/**
 * From how many samples a p99 was taken: of a few hundred it is what the second or third slowest says.
 *
 * @param {Cell | undefined} cell
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
