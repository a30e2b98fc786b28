import { atOnce, type Pausing } from '../runtime/pauses.ts';

/**
 * An answer of many rows that are read while they are sent, so that memory does not grow with their number.
 *
 * Read once: at its pauses by whoever serves others meanwhile. Rows that are read in one event turn are one snapshot; a
 * longer answer shows each record as it is when it is read.
 */
export class Rows implements Iterable<object> {
  /** What `*` stands for, for formats that name the columns first; empty: the names of the first row. */
  readonly columns: readonly string[];
  readonly withPauses: Pausing<object>;

  constructor(columns: readonly string[], rows: Pausing<object>) {
    this.columns = columns;
    this.withPauses = rows;
  }

  [Symbol.iterator](): Iterator<object> {
    return atOnce(this.withPauses);
  }
}
