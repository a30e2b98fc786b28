import { createHash, type Hash } from 'node:crypto';
import { keyBytes, type Key, type Stamp } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { Records } from './records.ts';
import type { Row } from './row.ts';

/** A run of keys: after one (from the beginning when null), up to and with another (to the end when null). */
export interface KeyRange {
  readonly after: Key | null;
  readonly upTo: Key | null;
}

/** Digest of the live rows in a range: equal on two nodes exactly when ids, stamps and bytes are. */
export interface RangeDigest {
  readonly range: KeyRange;
  readonly rows: number;
  /** SHA-256, hex, shortened. */
  readonly hash: string;
}

/** One live row as a digest sees it. */
export interface DigestEntry extends Stamp {
  readonly key: Key;
  /** Of the bytes: SHA-256, hex, shortened. */
  readonly hash: string;
}

export interface RangeList {
  /** What was listed: it begins where it was asked for, and may end before. */
  readonly range: KeyRange;
  readonly entries: readonly DigestEntry[];
}

export interface ListLimit {
  /** About so much, as a message carries it. */
  readonly maxBytes: number;
  /** Asked after each row. */
  readonly isEnough: () => boolean;
}

export interface HashedStamp extends Stamp {
  /** Undefined for a tombstone. */
  readonly hash: string | undefined;
}

/** Rows in one digest: small enough to list when it differs. */
const rowsPerDigest = 64;

const hashCharacters = 16;
/** What an entry of a list takes beside its key. */
const stampBytes = 24;

/** Digests of tables, and the rows behind them. */
export class Digests {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /**
   * Of the next rows after a key, in key order, until about `maxRows` rows are covered, or it has looked long enough.
   * The last range is open when no row follows, so that together they cover every possible key.
   */
  page(
    table: Table,
    options: {
      readonly after: Key | null;
      readonly maxRows: number;
      readonly newerThan: number;
      /** Asked after each row that was looked at. */
      readonly isEnough: () => boolean;
    },
  ): RangeDigest[] {
    const { after, maxRows, newerThan, isEnough } = options;
    const digests: RangeDigest[] = [];
    let begin = after;
    let hash = createHash('sha256');
    let rows = 0;
    let last: Key | null = after;
    const close = (upTo: Key | null): void => {
      digests.push({ range: { after: begin, upTo }, rows, hash: shortened(hash) });
      begin = upTo;
      hash = createHash('sha256');
      rows = 0;
    };
    for (const { key, row } of this.#records.rows(table, after === null ? {} : { after })) {
      if (last !== after && isEnough()) {
        close(last);
        return digests;
      }
      if (row.bytes && row.version > newerThan) {
        if (rows === rowsPerDigest) {
          close(last);
          if (digests.length * rowsPerDigest >= maxRows) return digests;
        }
        addRow(hash, key, row, row.bytes);
        rows += 1;
      }
      last = key;
    }
    close(null);
    return digests;
  }

  /** Of what is in a range here; of more than `maxRows` rows no more than that they are more. */
  range(table: Table, range: KeyRange, newerThan: number, maxRows: number): RangeDigest {
    const hash = createHash('sha256');
    let rows = 0;
    for (const { key, row } of this.#records.rowsWithin(table, range)) {
      if (!row.bytes || row.version <= newerThan) continue;
      addRow(hash, key, row, row.bytes);
      rows += 1;
      if (rows > maxRows) break;
    }
    return { range, rows, hash: shortened(hash) };
  }

  /** Every live row of a range, without its contents; with a limit, of as much of it as the answer says. */
  list(table: Table, range: KeyRange, newerThan: number, limit?: ListLimit): RangeList {
    const entries: DigestEntry[] = [];
    let bytes = 0;
    let last: Key | undefined;
    for (const { key, row } of this.#records.rowsWithin(table, range)) {
      if (limit && last !== undefined && (bytes >= limit.maxBytes || limit.isEnough()))
        return { range: { ...range, upTo: last }, entries };
      last = key;
      if (!row.bytes || row.version <= newerThan) continue;
      entries.push({ key, version: row.version, origin: row.origin, hash: contentHash(row.bytes) });
      bytes += keyBytes(key) + stampBytes;
    }
    return { range, entries };
  }

  /** Stamp of the row under a key, and the hash of its contents. */
  stampOf(table: Table, key: Key): HashedStamp | undefined {
    const row = this.#records.row(table, key);
    if (!row) return undefined;
    const { version, origin, bytes } = row;
    return { version, origin, hash: bytes ? contentHash(bytes) : undefined };
  }
}

function contentHash(bytes: Uint8Array): string {
  return shortened(createHash('sha256').update(bytes));
}

function shortened(hash: Hash): string {
  return hash.digest('hex').slice(0, hashCharacters);
}

/** Lengths go in too, so that no two different rows give the same stream of bytes. */
function addRow(hash: Hash, key: Key, row: Row, bytes: Uint8Array): void {
  hash.update(
    JSON.stringify([typeof key, key, row.version, row.origin.name, row.origin.storeId, bytes.length]),
  );
  hash.update(bytes);
}
