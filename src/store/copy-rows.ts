import type { Change, Key } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { Records } from './records.ts';
import { changeOf } from './row.ts';

export interface CopiedRows {
  readonly rows: readonly Change[];
  /** Last key that was looked at. */
  readonly lastKey: Key | undefined;
  /** None follow. */
  readonly isLast: boolean;
}

/** Rows of a copy page after a key, tombstones too, until `maxBytes` or `maxRows`, or until it has looked long enough. */
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
    if (bytes >= maxBytes || rows.length >= maxRows || (lastKey !== after && isEnough()))
      return { rows, lastKey, isLast: false };
    lastKey = key;
    if (row.version <= newerThan) continue;
    rows.push(changeOf(key, row));
    bytes += (row.bytes?.length ?? 0) + 64;
  }
  return { rows, lastKey, isLast: true };
}
