/**
 * An answer of many rows that are read while they are sent, so that memory does not grow with their number.
 *
 * Iterated once. Rows that are read in one event turn are one snapshot; a longer answer shows each record as it is
 * when it is read.
 */
export class Rows implements Iterable<object> {
  /** What `*` stands for, for formats that name the columns first; empty: the names of the first row. */
  readonly columns: readonly string[];
  readonly #rows: Iterable<object>;

  constructor(columns: readonly string[], rows: Iterable<object>) {
    this.columns = columns;
    this.#rows = rows;
  }

  [Symbol.iterator](): Iterator<object> {
    return this.#rows[Symbol.iterator]();
  }
}
