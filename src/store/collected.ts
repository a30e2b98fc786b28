import type { Key, Origin, Stamp } from '../model/change.ts';
import { writerOf } from '../model/conflict.ts';
import type { Table } from '../model/table.ts';
import { msToVersion } from '../model/version-clock.ts';
import type { Commit } from './commit.ts';
import type { Mark, Marks } from './marks.ts';
import type { Records } from './records.ts';
import type { Tombstones } from './tombstones.ts';

/** What another store knows of a table that is here as well. */
export interface Knowledge {
  readonly marks: readonly Mark[];
  readonly deletedBefore: number;
}

/** Whether a peer's row, or tombstone, under a key is older than a delete that this store has forgotten. */
export type CollectedRows = (key: Key, stamp: Stamp) => boolean;

export interface CollectedOptions {
  readonly records: Records;
  readonly tombstones: Tombstones;
  readonly marks: Marks;
  readonly identity: () => Origin;
}

/**
 * Knows, without its tombstone, that a row was deleted here.
 *
 * A row that is missing here was deleted here exactly when it has been here: nothing but a delete takes a row
 * away, and that delete, being newer than the row, has won over it wherever both were seen. Whether it has been
 * here is known by the versions of its origin that the marks cover; that its tombstone can be gone, by `deletedBefore`.
 * What was never here, however old, is not judged: it may be a write that somebody made while away.
 */
export class Collected {
  readonly #options: CollectedOptions;

  constructor(options: CollectedOptions) {
    this.#options = options;
  }

  /**
   * Inside the commit that may have given this store another identity, at a start: what it wrote under the former one
   * is here. Not so when a peer had to tell: then it has written under that id since, among what was lost.
   */
  formerly(commit: Commit, storeId: string, tables: readonly Table[]): void {
    if (storeId === this.#options.identity().storeId) return;
    for (const { id, incarnation, createdAtMs, local } of tables) {
      if (local) continue;
      const held = { after: msToVersion(createdAtMs) - 1, upTo: commit.state.clock };
      this.#options.marks.raise(id, storeId, { incarnation, seq: 0 }, held);
    }
  }

  /** Inside a commit: the table here now holds and lacks what it held and lacked there when this was told. */
  learn(table: Table, { marks, deletedBefore }: Knowledge): void {
    for (const { storeId, place, held } of marks) this.#options.marks.learn(table.id, storeId, place, held);
    this.#options.tombstones.raiseDeletedBefore(table.id, deletedBefore);
  }

  /** See {@link CollectedRows}. */
  has(table: Table, key: Key, stamp: Stamp): boolean {
    return this.of(table)(key, stamp);
  }

  /** {@link has} for many rows of a table, asked while it forgets nothing more: within one commit. */
  of(table: Table): CollectedRows {
    const { records, tombstones } = this.#options;
    const deletedBefore = tombstones.deletedBefore(table.id);
    return (key, stamp) => {
      // First what costs least: most tables have forgotten nothing that is so new.
      if (stamp.version > deletedBefore || records.row(table, key)) return false;
      return this.wasHere(table, stamp);
    };
  }

  /** Whether this row, or a newer one under its key, has certainly been here. */
  wasHere(table: Table, stamp: Stamp): boolean {
    const { marks, identity } = this.#options;
    const written = writerOf(stamp);
    // Own writes from before the table was made here were in another table of its name.
    if (written.origin.storeId === identity().storeId)
      return written.version >= msToVersion(table.createdAtMs);
    return marks.covers(table.id, written);
  }
}
