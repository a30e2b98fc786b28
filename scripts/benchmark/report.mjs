/** Figures as they come, one JSON line each on stdout, and at the end a table on stderr. */
export class Report {
  /** @type {Map<string, Map<string, { value: number, unit: string, better: string, cpu?: number } | { error: string }>>} */
  #rows = new Map();
  #systems;
  /** @type {number[]} */
  #elsewhere = [];

  /** @param {readonly string[]} systems the first is the one that ratios divide */
  constructor(systems) {
    this.#systems = systems;
  }

  /** @param {object} line */
  line(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }

  /**
   * @param {string} system
   * @param {object} result a figure
   */
  figure(system, { figure, value, unit, better, load, ...details }) {
    this.line({ figure, value, unit, system, load, better, ...details });
    if (details.elsewhere_cpu !== undefined) this.#elsewhere.push(details.elsewhere_cpu);
    this.#cell(figure).set(system, { value, unit, better, cpu: details.system_cpu_s_per_100k_rows });
  }

  /**
   * @param {string} system
   * @param {string} load
   * @param {unknown} cause
   */
  failure(system, load, cause) {
    const error = cause instanceof Error ? cause.message : String(cause);
    this.line({ figure: load, system, error });
    this.#cell(load).set(system, { error });
  }

  ratios() {
    for (const [figure, cells] of this.#rows) {
      const ratio = this.#ratioOf(cells, 'value');
      if (ratio === undefined) continue;
      const cpu = this.#ratioOf(cells, 'cpu');
      const [ours, theirs] = this.#systems;
      this.line({
        figure,
        ratio,
        of: `${ours}/${theirs}`,
        better: cells.get(ours)?.better,
        ...(cpu === undefined ? {} : { cpu_per_row_ratio: cpu }),
      });
    }
  }

  table() {
    const head = ['', ...this.#systems, ...(this.#systems.length > 1 ? ['ratio', 'cpu per row', ''] : [])];
    const lines = [...this.#rows].map(([figure, cells]) => {
      const values = this.#systems.map((system) => shown(cells.get(system)));
      if (this.#systems.length < 2) return [figure, ...values];
      const ratio = this.#ratioOf(cells, 'value');
      const cpu = this.#ratioOf(cells, 'cpu');
      const better = [...cells.values()].find((cell) => 'better' in cell)?.better;
      return [
        figure,
        ...values,
        ratio === undefined ? '' : `${ratio}`,
        cpu === undefined ? '' : `${cpu}`,
        better ? `${better} is better` : '',
      ];
    });
    const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column].length)));
    const text = [head, ...lines].map((line) =>
      line
        .map((cell, column) =>
          column === 0 || column === this.#systems.length + 3
            ? cell.padEnd(widths[column])
            : cell.padStart(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    );
    process.stderr.write(`\n${text.join('\n')}\n`);
    const most = Math.max(0, ...this.#elsewhere);
    if (most > 0.2)
      process.stderr.write(
        `\nOther programs took up to ${most.toFixed(1)} cores meanwhile (elsewhere_cpu of each line): rates are too low, lags too high; processor time per row is the steadier figure.\n`,
      );
  }

  /** @param {string} figure */
  #cell(figure) {
    const known = this.#rows.get(figure) ?? new Map();
    this.#rows.set(figure, known);
    return known;
  }

  /**
   * @param {Map<string, any>} cells
   * @param {'value' | 'cpu'} what
   */
  #ratioOf(cells, what) {
    const [ours, theirs] = this.#systems.map((system) => cells.get(system)?.[what]);
    return ours && theirs ? Number((ours / theirs).toPrecision(2)) : undefined;
  }
}

function shown(cell) {
  if (!cell) return '-';
  if ('error' in cell) return 'failed';
  return `${cell.value.toLocaleString('en-US')} ${cell.unit}`;
}
