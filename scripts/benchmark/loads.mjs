import { lagMethod, measureLag } from './lag.mjs';
import { measureRate, sleep, startUsage, until } from './rate.mjs';

const batchRows = 1_000;
const outageRows = 200_000;
const copyRows = 200_000;
const lagPerSecond = 200;
const warmUpMs = 1_000;

/** What link() subscribes; the other tables stay at the publisher. */
export const replicatedTables = { readings: { isIndexed: true }, plain: { isIndexed: false } };

/** The loads in the order of a run, by the letter that `--only` takes. */
export const loads = {
  M: 'memory of one idle node',
  S1: 'single inserts',
  S2: 'batches of 1,000',
  I: 'initial copy',
  L: 'lag',
  R: 'sustained replication',
  C: 'catch-up after an outage',
};

/** Loads that need the subscription. */
export const replicatedLoads = ['I', 'L', 'R', 'C'];

/**
 * One contender of a run: measures a load at a time and keeps count of the rows in each table.
 *
 * Each method resolves to figures; one throws when what it waited for did not happen in time.
 */
export class Contender {
  #system;
  #scale;
  /** Next row number of each table whose rows are numbered without gaps. */
  #next = new Map();

  /**
   * @param {import('./system.mjs').System} system
   * @param {number} scale
   */
  constructor(system, scale) {
    this.#system = system;
    this.#scale = scale;
  }

  get system() {
    return this.#system;
  }

  async idleMemory() {
    await sleep(this.#ms(5_000));
    return [figure('M', 'M idle node, sum of PSS', this.#system.idleMiB(), 'MiB')];
  }

  async singles() {
    const figures = [];
    for (const { connections, isIndexed } of [
      { connections: 1, isIndexed: true },
      { connections: 64, isIndexed: true },
      { connections: 64, isIndexed: false },
    ]) {
      const table = `singles_${connections}${isIndexed ? '' : '_plain'}`;
      await this.#system.createTable(table, { isIndexed, isReplicated: false });
      const rate = await this.#system.singles({ table, connections, warmUpMs, windowMs: this.#ms(5_000) });
      figures.push(
        rateFigure('S1', `S1 single inserts, ${plural(connections, 'connection')}${suffix(isIndexed)}`, rate),
      );
    }
    return figures;
  }

  async batches() {
    const figures = [];
    for (const { connections, isIndexed } of [
      { connections: 1, isIndexed: true },
      { connections: 4, isIndexed: true },
      { connections: 1, isIndexed: false },
    ]) {
      const table = `batches_${connections}${isIndexed ? '' : '_plain'}`;
      await this.#system.createTable(table, { isIndexed, isReplicated: false });
      const rate = await this.#withWriters(table, connections, 'insert', (writers) =>
        measureRate({
          writers,
          warmUpMs,
          windowMs: this.#ms(4_000),
          cpuSeconds: () => this.#system.cpuSeconds(),
        }),
      );
      await this.#expectAtPublisher(table);
      figures.push(
        rateFigure(
          'S2',
          `S2 batches of 1,000, ${plural(connections, 'connection')}${suffix(isIndexed)}`,
          rate,
        ),
      );
    }
    return figures;
  }

  /** Creates the tables of the subscription at both ends; with `isPreloaded` rows exist before it. */
  async prepareLink({ isPreloaded }) {
    for (const [table, { isIndexed }] of Object.entries(replicatedTables))
      await this.#system.createTable(table, { isIndexed, isReplicated: true });
    if (isPreloaded) await this.#fill('readings', this.#rows(copyRows));
  }

  /** Subscribes. Also the load I when rows exist: its clock runs from the request to subscribe. */
  async link() {
    const rows = this.#next.get('readings') ?? 0;
    const endUsage = startUsage(() => this.#system.cpuSeconds());
    await this.#system.link(Object.keys(replicatedTables));
    await this.#awaitRows('readings', 120_000);
    const used = endUsage();
    if (rows > 0) {
      return [
        figure('I', `I initial copy of ${count(rows)} rows`, rows / used.seconds, 'rows/s', {
          seconds: round(used.seconds),
          ...shares(used, rows),
          subscriber_peak_rss_mib: round(this.#system.peakMiB()),
        }),
      ];
    }
    // Some rows go through, so that what is measured next finds the channel live.
    await this.#fill('readings', batchRows);
    await this.#awaitRows('readings', 30_000);
    return [];
  }

  async lag() {
    const writer = await this.#system.openWriter('readings');
    const probe = await this.#system.openProbe('readings');
    try {
      const endUsage = startUsage(() => this.#system.cpuSeconds());
      const warmUpRows = lagPerSecond;
      const rows = Math.max(200, Math.round(lagPerSecond * 8 * this.#scale));
      const lag = await measureLag({
        write: (number) => writer.write(number, 1),
        has: probe.has,
        firstNumber: this.#take('readings', warmUpRows + rows),
        perSecond: lagPerSecond,
        warmUpRows,
        rows,
      });
      const details = {
        reached_per_s: round(lag.perSecond),
        lookup_p50_ms: round(lag.lookupP50Ms),
        samples: rows,
        ...shares(endUsage(), warmUpRows + rows),
        method: lagMethod,
      };
      const name = `L lag at ${lagPerSecond}/s`;
      return [
        figure('L', `${name}, p50`, lag.p50Ms, 'ms', {
          from_request_ms: round(lag.fromRequestP50Ms),
          ...details,
        }),
        figure('L', `${name}, p99`, lag.p99Ms, 'ms', {
          from_request_ms: round(lag.fromRequestP99Ms),
          ...details,
        }),
      ];
    } finally {
      writer.close();
      probe.close();
    }
  }

  /** Writes as fast as the publisher takes it; what counts is what shows at the subscriber in the same time. */
  async sustained() {
    const table = 'readings';
    const windowMs = this.#ms(8_000);
    let used;
    let shownBefore = 0;
    let shownAfter = 0;
    let seconds = 0;
    const progress = () => this.#system.progress(table);
    const watch = async () => {
      await sleep(warmUpMs);
      const endUsage = startUsage(() => this.#system.cpuSeconds());
      shownBefore = await progress();
      const startedAt = performance.now();
      await sleep(windowMs);
      shownAfter = await progress();
      seconds = (performance.now() - startedAt) / 1_000;
      used = endUsage();
    };
    const [rate] = await Promise.all([
      this.#withWriters(table, 2, 'bulk', (writers) =>
        measureRate({ writers, warmUpMs, windowMs, cpuSeconds: () => this.#system.cpuSeconds() }),
      ),
      watch(),
    ]);
    const behind = (this.#next.get(table) ?? 0) - shownAfter;
    await this.#awaitRows(table, 90_000);
    return [
      figure('R', 'R sustained replicated rows', (shownAfter - shownBefore) / seconds, 'rows/s', {
        written_rows_per_s: round(rate.rowsPerSecond),
        behind_at_end_rows: behind,
        ...shares(used, shownAfter - shownBefore),
      }),
    ];
  }

  async catchUp() {
    const figures = [];
    for (const [table, { isIndexed }] of Object.entries(replicatedTables)) {
      const rows = this.#rows(outageRows);
      await this.#system.cut();
      await this.#fill(table, rows);
      const restoredAt = performance.now();
      await this.#system.restore();
      // What arrived before the node was ready counts for neither side of the division.
      const atReady = await this.#system.progress(table);
      const endUsage = startUsage(() => this.#system.cpuSeconds());
      const missing = (this.#next.get(table) ?? 0) - atReady;
      await this.#awaitRows(table, 120_000);
      const used = endUsage();
      figures.push(
        figure(
          'C',
          `C catch-up of ${count(rows)} rows${suffix(isIndexed)}`,
          missing / used.seconds,
          'rows/s',
          {
            seconds: round(used.seconds),
            rows_before_ready: rows - missing,
            seconds_from_restart: round((performance.now() - restoredAt) / 1_000),
            ...shares(used, missing),
            subscriber_peak_rss_mib: round(this.#system.peakMiB()),
          },
        ),
      );
    }
    return figures;
  }

  /**
   * @template T
   * @param {string} table
   * @param {number} connections
   * @param {'insert' | 'bulk'} how
   * @param {(writers: (() => Promise<number>)[]) => Promise<T>} body
   */
  async #withWriters(table, connections, how, body) {
    const writers = await Promise.all(
      Array.from({ length: connections }, () => this.#system.openWriter(table, how)),
    );
    try {
      return await body(
        writers.map(({ write }) => async () => {
          await write(this.#take(table, batchRows), batchRows);
          return batchRows;
        }),
      );
    } finally {
      for (const { close } of writers) close();
    }
  }

  /** In transactions of 1,000 over one connection, so that both systems have the same transactions to replicate. */
  async #fill(table, rows) {
    await this.#withWriters(table, 1, 'bulk', async ([write]) => {
      for (let left = rows; left > 0; left -= batchRows) await write();
    });
    await this.#expectAtPublisher(table);
  }

  /** Every row that was acknowledged is there: a figure from lost writes is none. */
  async #expectAtPublisher(table) {
    const expected = this.#next.get(table) ?? 0;
    const found = await this.#system.rowsAtPublisher(table);
    if (found !== expected)
      throw new Error(`${table} holds ${found} rows where ${expected} were acknowledged`);
  }

  /**
   * @param {string} table
   * @param {number} limitMs
   */
  async #awaitRows(table, limitMs) {
    const expected = this.#next.get(table) ?? 0;
    await until(`${expected} rows of ${table} at the subscriber`, limitMs, 20, async () => {
      if ((await this.#system.progress(table)) < expected) return false;
      const found = await this.#system.rowsAtSubscriber(table);
      if (found > expected) throw new Error(`${table} holds ${found} rows where ${expected} were written`);
      return found === expected;
    });
  }

  /**
   * Reserves row numbers; returns the first.
   *
   * @param {string} table
   * @param {number} rows
   */
  #take(table, rows) {
    const first = this.#next.get(table) ?? 0;
    this.#next.set(table, first + rows);
    return first;
  }

  /** @param {number} ms */
  #ms(ms) {
    return Math.max(1_000, ms * this.#scale);
  }

  /** @param {number} rows whole batches */
  #rows(rows) {
    return Math.max(1, Math.round((rows * this.#scale) / batchRows)) * batchRows;
  }
}

/**
 * @param {string} load
 * @param {string} name
 * @param {number} value
 * @param {string} unit
 * @param {object} details
 */
function figure(load, name, value, unit, details = {}) {
  return {
    figure: name,
    value: round(value),
    unit,
    better: unit === 'rows/s' ? 'higher' : 'lower',
    load,
    ...details,
  };
}

/**
 * @param {string} load
 * @param {string} name
 * @param {import('./rate.mjs').Rate} rate
 */
function rateFigure(load, name, rate) {
  return figure(load, name, rate.rowsPerSecond, 'rows/s', {
    mean_ms: round(rate.meanMs),
    ...(rate.p50Ms === undefined ? {} : { p50_ms: round(rate.p50Ms) }),
    ...(rate.p99Ms === undefined ? {} : { p99_ms: round(rate.p99Ms) }),
    ...shares(rate.usage, rate.rows),
  });
}

/**
 * @param {import('./rate.mjs').Usage} used
 * @param {number} rows
 */
function shares({ clientCpu, elsewhereCpu, systemSeconds }, rows) {
  return {
    client_cpu: round(clientCpu),
    elsewhere_cpu: round(elsewhereCpu),
    system_cpu_s_per_100k_rows: round((systemSeconds / Math.max(1, rows)) * 100_000),
  };
}

/** @param {boolean} isIndexed */
function suffix(isIndexed) {
  return isIndexed ? '' : ', no secondary index';
}

/**
 * @param {number} number
 * @param {string} noun
 */
function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** @param {number} rows */
function count(rows) {
  return rows.toLocaleString('en-US');
}

/** @param {number} value three digits, whole from 1,000 on */
function round(value) {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3));
}
