import { createHash, type Hash } from 'node:crypto';
import type { Key, Stamp } from '../model/change.ts';
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

/** Rows in one digest: small enough to list when it differs. */
const rowsPerDigest = 64;

const hashCharacters = 16;

/**
 * Digests of the next rows after a key, in key order, until about `maxRows` rows are covered, or it has looked long enough.
 * The last range is open when no row follows, so that together they cover every possible key.
 */
export function digestPage(
  records: Records,
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
    digests.push({ range: { after: begin, upTo }, rows, hash: hash.digest('hex').slice(0, hashCharacters) });
    begin = upTo;
    hash = createHash('sha256');
    rows = 0;
  };
  for (const { key, row } of records.rows(table, after === null ? {} : { after })) {
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

/** The digest of what is in a range here. */
export function digestRange(records: Records, table: Table, range: KeyRange, newerThan: number): RangeDigest {
  const hash = createHash('sha256');
  let rows = 0;
  for (const { key, row } of records.rowsWithin(table, range)) {
    if (!row.bytes || row.version <= newerThan) continue;
    addRow(hash, key, row, row.bytes);
    rows += 1;
  }
  return { range, rows, hash: hash.digest('hex').slice(0, hashCharacters) };
}

/** Every live row of a range, without its contents. */
export function listRange(records: Records, table: Table, range: KeyRange, newerThan: number): DigestEntry[] {
  const entries: DigestEntry[] = [];
  for (const { key, row } of records.rowsWithin(table, range))
    if (row.bytes && row.version > newerThan)
      entries.push({ key, version: row.version, origin: row.origin, hash: contentHash(row.bytes) });
  return entries;
}

export interface HashedStamp extends Stamp {
  /** Undefined for a tombstone. */
  readonly hash: string | undefined;
}

/** Stamp of the row under a key, and the hash of its contents. */
export function stampOf(records: Records, table: Table, key: Key): HashedStamp | undefined {
  const row = records.row(table, key);
  if (!row) return undefined;
  const { version, origin, bytes } = row;
  return { version, origin, hash: bytes ? contentHash(bytes) : undefined };
}

function contentHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, hashCharacters);
}

/** Lengths go in too, so that no two different rows give the same stream of bytes. */
function addRow(hash: Hash, key: Key, row: Row, bytes: Uint8Array): void {
  hash.update(
    JSON.stringify([typeof key, key, row.version, row.origin.name, row.origin.storeId, bytes.length]),
  );
  hash.update(bytes);
}
