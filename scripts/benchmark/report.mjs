import { tableOf } from './report-table.mjs';
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
    const text = tableOf({
      systems: this.#systems,
      rows: this.#rows,
      summaryOf: (name) => this.#summary(name),
      elsewhere: this.#elsewhere,
    });
    process.stderr.write(`\n${text}`);
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
