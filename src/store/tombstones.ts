import type { Key } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import { msToVersion } from '../model/version-clock.ts';
import type { Commit } from './commit.ts';
import type { Environment } from './environment.ts';
import { readWide, writeWide } from './wide-integer.ts';

/** A delete that was committed here, oldest first in the queue of its table. */
export interface QueuedTombstone {
  /** Number of its transaction in the channel of this store. */
  readonly seq: number;
  readonly key: Key;
  readonly version: number;
  /** Clock of this store at the commit. */
  readonly since: number;
}

/**
 * Tombstones in the order in which they were committed here, and, as number 0, the highest version of those that are gone.
 *
 * The queue costs one small entry for a delete and nothing for any other write; what may be dropped is always
 * at its head, so nobody ever scans a table for it. An entry whose row has changed since is dropped with no effect.
 */
export class Tombstones {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Inside the commit of a delete, before its log entry is appended. */
  add(commit: Commit, table: Table, key: Key, version: number): void {
    const seq = commit.table(table.id).headSeq + 1;
    const since = Math.max(commit.state.clock, msToVersion(commit.nowMs));
    const value = Buffer.allocUnsafe(16);
    writeWide(value, version, 0);
    writeWide(value, since, 8);
    this.#environment.trees.tombstones.putSync([table.id, seq, key], value);
  }

  *oldest(tableId: number, limit: number): Generator<QueuedTombstone> {
    const range = { start: [tableId, 1], end: [tableId + 1], limit };
    for (const { key: place, value } of this.#environment.trees.tombstones.getRange(range)) {
      const [, seq, key] = place as [number, number, Key];
      yield {
        seq,
        key,
        version: readWide(value),
        since: readWide(value, 8),
      };
    }
  }

  /** Inside a commit. */
  remove(tableId: number, { seq, key }: QueuedTombstone): void {
    this.#environment.trees.tombstones.removeSync([tableId, seq, key]);
  }

  /** Highest version of a tombstone that was dropped here, or at a node whose table was copied; 0 before the first. */
  deletedBefore(tableId: number): number {
    const value = this.#environment.trees.tombstones.get([tableId, 0]);
    return value ? readWide(value) : 0;
  }

  /** Inside a commit. */
  raiseDeletedBefore(tableId: number, version: number): void {
    if (version <= this.deletedBefore(tableId)) return;
    const value = Buffer.allocUnsafe(8);
    writeWide(value, version, 0);
    this.#environment.trees.tombstones.putSync([tableId, 0], value);
  }
}
