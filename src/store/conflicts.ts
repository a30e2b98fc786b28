import type { Key, Stamp } from '../model/change.ts';
import { compareStamps } from '../model/conflict.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import { decodeDocument } from '../model/transaction-codec.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import type { Records } from './records.ts';
import type { Image } from './row.ts';
import type { Writer } from './writer.ts';

export const conflictsTable = 'hdb_conflicts';

/**
 * `concurrent`: neither writer knew of the other. `same stamp`: one version and origin with two contents.
 * `stale`: deleted at a peer while this node was away, so long ago that the delete itself is no longer known.
 */
export type ConflictReason = 'concurrent' | 'same stamp' | 'stale';

export interface ConflictsOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly writer: Writer;
  /** Rows beyond this many go, oldest first. */
  readonly maxCount: number;
  readonly maxAgeMs: number;
}

/** What lost to a concurrent write, kept for a person to see and restore: rows of `system.hdb_conflicts`, local and bounded. */
export class Conflicts {
  readonly #options: ConflictsOptions;

  constructor(options: ConflictsOptions) {
    this.#options = options;
  }

  /** Inside a commit: keeps the loser when it was overwritten unseen: base(winner) < loser < winner. */
  note(commit: Commit, table: Table, key: Key, loser: Image, winner: Image): void {
    const order = compareStamps(loser, winner);
    const isUnseen = winner.base === null || compareStamps(winner.base, loser) < 0;
    if (order > 0 || (order < 0 && !isUnseen)) return;
    this.#keep(commit, table, key, loser, winner, order === 0 ? 'same stamp' : 'concurrent');
  }

  /** Inside a commit: keeps a row that goes because a peer has deleted it. */
  noteStale(commit: Commit, table: Table, key: Key, row: Image, deletion: Image): void {
    this.#keep(commit, table, key, row, deletion, 'stale');
  }

  /** Keys of rows that are too old or too many, oldest first. */
  excess(nowMs: number, limit: number): Key[] {
    const conflicts = this.#table();
    if (!conflicts) return [];
    const { maxCount, maxAgeMs, records } = this.#options;
    const surplus = records.count(conflicts) - maxCount;
    const doomed: Key[] = [];
    for (const { key, row } of records.rows(conflicts)) {
      if (!row.bytes) continue;
      const noted = decodeDocument(row.bytes)['noted_at'];
      const isOld = typeof noted === 'number' && noted < nowMs - maxAgeMs;
      if (doomed.length >= limit || (!isOld && doomed.length >= surplus)) break;
      doomed.push(key);
    }
    return doomed;
  }

  /** Inside a commit. */
  remove(commit: Commit, key: Key): void {
    const conflicts = this.#table();
    if (conflicts) this.#options.writer.replace(commit, conflicts, key, null);
  }

  #keep(commit: Commit, table: Table, key: Key, loser: Image, winner: Image, reason: ConflictReason): void {
    const conflicts = this.#table();
    if (!conflicts) return;
    const state = commit.table(table.id);
    state.conflicts += 1;
    // Sorts by the time of noting; the counter tells conflicts of one moment apart.
    const id = `${String(commit.nowMs).padStart(15, '0')}-${table.id}-${state.conflicts}`;
    this.#options.writer.replace(commit, conflicts, id, {
      id,
      reason,
      schema: table.database,
      table: table.name,
      hash_value: key,
      noted_at: commit.nowMs,
      loser: told(loser),
      winner: told(winner),
    });
  }

  #table(): Table | undefined {
    return this.#options.catalog.table(systemDatabase, conflictsTable);
  }
}

/** One side of a conflict as its row shows it; `record` is null for a delete. */
function told(row: Image): Record<string, unknown> {
  return { ...stampOf(row), record: row.bytes ? decodeDocument(row.bytes) : null };
}

function stampOf({ version, origin }: Stamp): Record<string, unknown> {
  return { version, origin: origin.name, store_id: origin.storeId };
}
