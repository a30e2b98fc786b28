import type { Document, Key } from '../model/change.ts';
import { compareStamps } from '../model/conflict.ts';
import { CodedError } from '../model/errors.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import { decodeDocument } from '../model/transaction-codec.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import { withoutHidden, type Records } from './records.ts';
import type { Image, Row } from './row.ts';
import type { ConflictBounds } from './store-options.ts';
import type { Writer } from './writer.ts';

export const conflictsTable = 'hdb_conflicts';

/**
 * `concurrent`: neither writer knew of the other. `same stamp`: one version and origin with two contents.
 * `stale`: deleted at a peer while this node was away, so long ago that the delete itself is no longer known.
 */
export type ConflictReason = 'concurrent' | 'same stamp' | 'stale';

/** One side of a conflict as its row tells it. */
interface Told {
  readonly version: number;
  readonly origin: string;
  readonly store_id: string;
  /** Null for a delete. */
  readonly record: Document | null;
}

/** A row of `system.hdb_conflicts`. */
export interface Conflict {
  readonly id: string;
  readonly reason: ConflictReason;
  readonly schema: string;
  readonly table: string;
  readonly hash_value: Key;
  readonly noted_at: number;
  readonly loser: Told;
  readonly winner: Told;
}

export interface ConflictsOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly writer: Writer;
  readonly bounds: ConflictBounds;
  readonly onSameStamp: (table: Table) => void;
}

/** What lost to a concurrent write, kept for a person to see and restore: rows of `system.hdb_conflicts`, local and bounded. */
export class Conflicts {
  readonly #options: ConflictsOptions;

  constructor(options: ConflictsOptions) {
    this.#options = options;
  }

  /**
   * Inside a commit: keeps the loser when it was overwritten unseen: base(winner) < loser < winner, or the winner's node
   * has certainly not had it. What that node wrote twice is based on its own first write, which says nothing of others.
   */
  note(
    commit: Commit,
    table: Table,
    key: Key,
    { loser, winner, isUnknown }: { loser: Image; winner: Image; isUnknown: boolean },
  ): void {
    const order = compareStamps(loser, winner);
    const isUnseen = isUnknown || winner.base === null || compareStamps(winner.base, loser) < 0;
    if (order > 0 || (order < 0 && !isUnseen)) return;
    this.#keep(commit, table, key, loser, winner, order === 0 ? 'same stamp' : 'concurrent');
    if (order === 0) this.#options.onSameStamp(table);
  }

  /** Inside a commit: keeps a row that goes because a peer has deleted it. */
  noteStale(commit: Commit, table: Table, key: Key, row: Image, deletion: Image): void {
    this.#keep(commit, table, key, row, deletion, 'stale');
  }

  /** Keys of rows that are too old, too many or too large, oldest first. */
  excess(nowMs: number, isEnough: () => boolean): Key[] {
    const conflicts = this.#table();
    if (!conflicts) return [];
    const { bounds, records } = this.#options;
    const { maxCount, maxBytes, maxAgeMs } = bounds;
    const surplus = records.count(conflicts) - maxCount;
    let surplusBytes = records.bytes(conflicts) - maxBytes;
    const doomed: Key[] = [];
    for (const { key, row } of records.rows(conflicts)) {
      if (!row.bytes) continue;
      const noted = decodeDocument(row.bytes)['noted_at'];
      const isOld = typeof noted === 'number' && noted < nowMs - maxAgeMs;
      if (!isOld && doomed.length >= surplus && surplusBytes <= 0) break;
      doomed.push(key);
      surplusBytes -= row.bytes.length;
      if (isEnough()) break;
    }
    return doomed;
  }

  /**
   * Inside a commit: puts what lost in the place of what it lost to, as a new write of this node, and settles the
   * conflict. A record that is no longer what the conflict shows was looked at by nobody, and stays.
   *
   * @throws CodedError `not_found`, `table_missing`, `record_changed`, `too_large`
   */
  restore(commit: Commit, id: string, user: string): Conflict {
    const { catalog, records, writer } = this.#options;
    const conflict = this.#require(id);
    const { schema, table: name, hash_value: key, loser } = conflict;
    const table = catalog.tableById(tableIdOf(id));
    if (!table)
      throw new CodedError(
        'table_missing',
        `The table '${schema}.${name}' of conflict '${id}' was dropped: dismiss the conflict`,
      );
    const row = records.row(table, key);
    if (!isStill(conflict.winner, row)) throw recordChanged(conflict, row);
    const document = loser.record && withoutHidden(table, loser, loser.record);
    writer.replace(commit, table, key, document, user);
    this.remove(commit, id);
    return conflict;
  }

  /** Inside a commit: lets what lost go. @throws CodedError `not_found` */
  dismiss(commit: Commit, id: string): Conflict {
    const conflict = this.#require(id);
    this.remove(commit, id);
    return conflict;
  }

  /** Inside a commit: removes up to `limit` conflicts of a dropped table; false when none are left. */
  reclaim(commit: Commit, tableId: number, limit: number): boolean {
    const conflicts = this.#table();
    const keys = conflicts ? [...this.#options.records.keys(conflicts)] : [];
    const doomed = keys.filter((key) => tableIdOf(key) === tableId).slice(0, limit);
    for (const key of doomed) this.remove(commit, key);
    return doomed.length > 0;
  }

  /** Inside a commit. */
  remove(commit: Commit, key: Key): void {
    const conflicts = this.#table();
    if (conflicts) this.#options.writer.replace(commit, conflicts, key, null);
  }

  #require(id: string): Conflict {
    const conflicts = this.#table();
    const row = conflicts && this.#options.records.document(conflicts, id);
    if (!row) throw new CodedError('not_found', `There is no conflict '${id}'`);
    return row as Document & Conflict;
  }

  #keep(commit: Commit, table: Table, key: Key, loser: Image, winner: Image, reason: ConflictReason): void {
    const conflicts = this.#table();
    if (!conflicts) return;
    const state = commit.table(table.id);
    state.conflicts += 1;
    // Sorts by the time of noting; the counter tells conflicts of one moment apart. `tableIdOf` reads it.
    const id = `${String(commit.nowMs).padStart(15, '0')}-${table.id}-${state.conflicts}`;
    const conflict: Conflict = {
      id,
      reason,
      schema: table.database,
      table: table.name,
      hash_value: key,
      noted_at: commit.nowMs,
      loser: told(loser),
      winner: told(winner),
    };
    this.#options.writer.replace(commit, conflicts, id, { ...conflict });
  }

  #table(): Table | undefined {
    return this.#options.catalog.table(systemDatabase, conflictsTable);
  }
}

/** The number of the table in which a conflict arose, by the id of the conflict: no other table ever has it. */
function tableIdOf(id: Key): number {
  return Number(String(id).split('-')[1]);
}

/** Whether the record is what the conflict was lost to; of a delete nothing may be left. */
function isStill({ version, origin, store_id: storeId, record }: Told, row: Row | undefined): boolean {
  if (!row) return record === null;
  return compareStamps(row, { version, origin: { name: origin, storeId } }) === 0;
}

function recordChanged({ id, schema, table, hash_value: key, winner }: Conflict, row?: Row): CodedError {
  const now = row
    ? `${row.bytes ? '' : 'deleted by '}version ${row.version} of '${row.origin.name}'`
    : 'gone';
  return new CodedError(
    'record_changed',
    `Record '${key}' of '${schema}.${table}' is no longer what conflict '${id}' was lost to (version ${winner.version} of '${winner.origin}'), but ${now}: look at the record, then write what it should be, or dismiss the conflict`,
  );
}

function told({ version, origin, bytes }: Image): Told {
  return {
    version,
    origin: origin.name,
    store_id: origin.storeId,
    record: bytes ? decodeDocument(bytes) : null,
  };
}
