import type { Table } from '../model/table.ts';
import { msToVersion } from '../model/version-clock.ts';
import type { Catalog } from './catalog.ts';
import type { Collected } from './collected.ts';
import type { Commit } from './commit.ts';
import type { Confirmed } from './confirmed.ts';
import type { Heard } from './heard.ts';
import type { Records } from './records.ts';
import { readableBytes } from './row.ts';
import type { QueuedTombstone, Tombstones } from './tombstones.ts';

export interface TombstoneCollectorOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly tombstones: Tombstones;
  readonly confirmed: Confirmed;
  readonly heard: Heard;
  readonly collected: Collected;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
  readonly retentionMs: number;
  readonly maxMs: number;
  readonly now: () => number;
}

/**
 * Drops tombstones that nobody waits for: older than `retentionMs`, confirmed by every current subscriber, and with
 * nothing older still on its way from a publisher (`heard.ts`); or older than `maxMs`. Age is counted from the commit here, so a delete that came late is kept as long as any.
 *
 * Changes nothing that is logged or digested. What the table remembers is `deletedBefore`: see `collected.ts`.
 */
export class TombstoneCollector {
  readonly #options: TombstoneCollectorOptions;

  constructor(options: TombstoneCollectorOptions) {
    this.#options = options;
  }

  /** One short commit; false when nothing is due. */
  async step(limit: number): Promise<boolean> {
    const { catalog, run } = this.#options;
    // Nobody else hears of the deletes of a local table: it has no tombstones.
    const table = catalog
      .allTables()
      .find((candidate) => !candidate.local && this.#due(candidate, 1).length > 0);
    if (!table) return false;
    await run((commit) => {
      for (const queued of this.#due(table, limit)) this.#drop(commit, table, queued);
    });
    return true;
  }

  /** From the head of the queue up to the first that has to stay. */
  #due(table: Table, limit: number): QueuedTombstone[] {
    const { tombstones, confirmed, retentionMs, maxMs, now } = this.#options;
    const old = msToVersion(now() - retentionMs);
    const tooOld = msToVersion(now() - maxMs);
    const due: QueuedTombstone[] = [];
    let passed: number | undefined;
    let heard: number | undefined;
    for (const queued of tombstones.oldest(table.id, limit)) {
      if (queued.since > old) break;
      passed ??= confirmed.lowest(table.id)?.seq ?? Infinity;
      // Asks every peer: not for a tombstone that stays anyhow.
      const isAwaited = (): boolean => queued.version > (heard ??= this.#options.heard.upTo(table));
      if (queued.since > tooOld && (queued.seq > passed || isAwaited())) break;
      due.push(queued);
    }
    return due;
  }

  #drop(commit: Commit, table: Table, queued: QueuedTombstone): void {
    const { records, tombstones, collected, now, maxMs } = this.#options;
    tombstones.remove(table.id, queued);
    const row = records.row(table, queued.key);
    // What can still be read here is not collected, though it is deleted everywhere else.
    if (!row || readableBytes(row) || row.version !== queued.version) return;
    const isTooOld = row.version <= msToVersion(now() - maxMs);
    if (row.base && !collected.wasHere(table, row.base) && !isTooOld) {
      // Without it the row that it deleted would not be known again: asked once more after another while.
      tombstones.add(commit, table, queued.key, queued.version);
      return;
    }
    records.forget(commit, table, queued.key);
    tombstones.raiseDeletedBefore(table.id, row.version);
  }
}
