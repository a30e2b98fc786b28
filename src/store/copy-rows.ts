import { keyBytes, type Change, type Key } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { Records } from './records.ts';
import { changeOf, type Row } from './row.ts';

export interface CopiedRows {
  readonly rows: readonly Change[];
  /** Last key that was looked at. */
  readonly lastKey: Key | undefined;
  /** None follow. */
  readonly isLast: boolean;
}

/** Rows of a copy page after a key, tombstones too: one at least, and no more than `maxBytes` or `maxRows`, or than it takes to look long enough. */
export function copyRows(
  records: Records,
  table: Table,
  options: {
    readonly after: Key | undefined;
    readonly maxBytes: number;
    readonly maxRows: number;
    readonly newerThan: number;
    /** Asked after each row that was looked at: a table that has to come from a slow disk must not hold up everything. */
    readonly isEnough: () => boolean;
  },
): CopiedRows {
  const { after, maxBytes, maxRows, newerThan, isEnough } = options;
  const rows: Change[] = [];
  let bytes = 0;
  let lastKey = after;
  for (const { key, row } of records.rows(table, after === undefined ? {} : { after })) {
    const isCopied = row.version > newerThan;
    const isFull = isCopied && rows.length > 0 && bytes + bytesOf(key, row) > maxBytes;
    if (isFull || rows.length >= maxRows || (lastKey !== after && isEnough()))
      return { rows, lastKey, isLast: false };
    lastKey = key;
    if (!isCopied) continue;
    rows.push(changeOf(key, row));
    bytes += bytesOf(key, row);
  }
  return { rows, lastKey, isLast: true };
}

export interface RowsOfKeys {
  readonly rows: readonly Change[];
  /** So many of the keys were looked at. */
  readonly covered: number;
}

/** What is under the first of the keys, tombstones too: one at least, and no more than `maxBytes`, or than it takes to look long enough. */
export function rowsOfKeys(
  records: Records,
  table: Table,
  keys: readonly Key[],
  { maxBytes, isEnough }: { readonly maxBytes: number; readonly isEnough: () => boolean },
): RowsOfKeys {
  const rows: Change[] = [];
  let bytes = 0;
  for (const [index, key] of keys.entries()) {
    if (index > 0 && isEnough()) return { rows, covered: index };
    const row = records.row(table, key);
    if (!row) continue;
    bytes += bytesOf(key, row);
    if (rows.length > 0 && bytes > maxBytes) return { rows, covered: index };
    rows.push(changeOf(key, row));
  }
  return { rows, covered: keys.length };
}

/** About what it takes in an answer. */
function bytesOf(key: Key, { bytes }: Row): number {
  return keyBytes(key) + (bytes?.length ?? 0) + 55;
}
