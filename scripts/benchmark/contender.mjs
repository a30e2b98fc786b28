import { waitUntil } from '../wait-until.mjs';
import { measureRate, warmUpMs } from './rate.mjs';
import { startUsage } from './usage.mjs';

export const batchRows = 1_000;

/**
 * @typedef {{ connections: number, rowsPerWrite?: number, how?: 'insert' | 'bulk' }} Writing
 */

/**
 * One contender of a run: its system, the size of the loads, and how many rows each table should hold.
 *
 * A method throws when what it waited for did not happen in time.
 */
export class Contender {
  #system;
  #size;
  /** Next row number of each table whose rows are numbered without gaps. */
  #next = new Map();

  /**
   * @param {import('./system.mjs').System} system
   * @param {{ scale: number, fanOut: readonly number[], grownRows: number }} size
   */
  constructor(system, size) {
    this.#system = system;
    this.#size = size;
  }

  get system() {
    return this.#system;
  }

  /** Numbers of subscribers, in rising order. */
  get fanOut() {
    return this.#size.fanOut;
  }

  /** Of a table that is no longer small, at scale 1. */
  get grownRows() {
    return this.#size.grownRows;
  }

  /** Counts processor time from now on; see {@link startUsage}. */
  startUsage() {
    return startUsage(() => this.#system.cpuSeconds());
  }

  /**
   * How fast the publisher takes the next rows of the table.
   *
   * @param {string} table
   * @param {Writing} writing
   * @param {number} windowMs after the warm-up
   */
  measureWrites(table, writing, windowMs) {
    const cpuSeconds = () => this.#system.cpuSeconds();
    return this.#withWriters(table, writing, (writers) =>
      measureRate({ writers, warmUpMs, windowMs, cpuSeconds }),
    );
  }

  /** In transactions of 1,000 over one connection, so that both systems have the same transactions to replicate. */
  async fill(table, rows) {
    await this.#withWriters(table, { connections: 1, how: 'bulk' }, async ([write]) => {
      for (let left = rows; left > 0; left -= batchRows) await write();
    });
    await this.expectAtPublisher(table);
  }

  /** A transaction per row, over 64 connections. */
  async fillSingly(table, rows) {
    let left = rows;
    await this.#withWriters(table, { connections: 64, rowsPerWrite: 1 }, (writers) =>
      Promise.all(
        writers.map(async (write) => {
          while (left-- > 0) await write();
        }),
      ),
    );
    await this.expectAtPublisher(table);
  }

  /** Every row that was acknowledged is there: a figure from lost writes is none. */
  async expectAtPublisher(table) {
    const expected = this.written(table);
    const found = await this.#system.rowsAtPublisher(table);
    if (found !== expected)
      throw new Error(`${table} holds ${found} rows where ${expected} were acknowledged`);
  }

  /**
   * Resolves when the subscriber is as far as what was written; it has half a minute, and a second for each 1,000 rows.
   * This is what a clock waits for: it does not count rows, which costs PostgreSQL a scan.
   */
  async awaitProgress(table) {
    const expected = this.written(table);
    const missing = expected - (await this.#system.progress(table));
    await waitUntil(
      `${expected} rows of ${table} at the subscriber`,
      30_000 + missing,
      async () => (await this.#system.progress(table)) >= expected,
    );
  }

  /** Resolves when the subscriber holds what was written, counted. */
  async awaitRows(table) {
    await this.awaitProgress(table);
    const expected = this.written(table);
    await waitUntil(`${expected} rows of ${table} in the subscriber's count`, 30_000, async () => {
      const found = await this.#system.rowsAtSubscriber(table);
      if (found > expected) throw new Error(`${table} holds ${found} rows where ${expected} were written`);
      return found === expected;
    });
  }

  /** @param {string} table */
  written(table) {
    return this.#next.get(table) ?? 0;
  }

  /**
   * Reserves row numbers; returns the first.
   *
   * @param {string} table
   * @param {number} rows
   */
  take(table, rows) {
    const first = this.written(table);
    this.#next.set(table, first + rows);
    return first;
  }

  /** @param {number} ms at scale 1 */
  ms(ms) {
    return Math.max(1_000, ms * this.#size.scale);
  }

  /** @param {number} rows at scale 1; the answer is whole batches */
  rows(rows) {
    return Math.max(1, Math.round((rows * this.#size.scale) / batchRows)) * batchRows;
  }

  /**
   * Opens writers for the time of `body`; each call of one writes the next rows of the table.
   *
   * @template T
   * @param {string} table
   * @param {Writing} writing
   * @param {(writers: (() => Promise<number>)[]) => Promise<T>} body
   */
  async #withWriters(table, { connections, rowsPerWrite = batchRows, how = 'insert' }, body) {
    const writers = await Promise.all(
      Array.from({ length: connections }, () => this.#system.openWriter(table, how)),
    );
    try {
      return await body(
        writers.map(({ write }) => async () => {
          await write(this.take(table, rowsPerWrite), rowsPerWrite);
          return rowsPerWrite;
        }),
      );
    } finally {
      for (const { close } of writers) close();
    }
  }
}
