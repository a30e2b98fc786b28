import type { Key } from '../model/change.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeLog } from './change-log.ts';
import type { LogRetention } from './log-retention.ts';
import type { Commit } from './commit.ts';
import type { Conflicts } from './conflicts.ts';
import { withIndex } from './definitions.ts';
import type { Isolation } from './isolation.ts';
import type { LocalWrites } from './local-writes.ts';
import type { Quarantine } from './quarantine.ts';
import type { Records } from './records.ts';
import type { TombstoneCollector } from './tombstone-collector.ts';

const rowsAtOnce = 2_000;

export interface MaintenanceOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly log: ChangeLog;
  readonly conflicts: Conflicts;
  readonly quarantine: Quarantine;
  readonly isolation: Isolation;
  readonly collector: TombstoneCollector;
  /** For work that makes the store larger. */
  readonly hasRoom: () => boolean;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
  readonly retention: LogRetention;
  readonly localWrites: LocalWrites;
  readonly now: () => number;
}

/**
 * Work that may wait: building indexes, reclaiming what was dropped, trimming the change log, dropping tombstones.
 * Each step is a short commit or two, so that requests are served in between.
 */
export class Maintenance {
  readonly #options: MaintenanceOptions;
  /** Where the scan of an index stands; lost with the process, then the scan begins anew. */
  readonly #scans = new Map<string, Key>();

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  /** One step; true when there is more to do at once. An index that is being built keeps nothing else from its turn. */
  async step(): Promise<boolean> {
    const { hasRoom, collector, retention } = this.#options;
    const isBuilding = hasRoom() && (await this.#buildIndexes());
    const hasMore =
      (hasRoom() && (await this.#release())) ||
      (await this.#reclaim()) ||
      (await this.#forgetConflicts()) ||
      (await collector.step(rowsAtOnce)) ||
      (await retention.step());
    return isBuilding || hasMore;
  }

  async #buildIndexes(): Promise<boolean> {
    for (const table of this.#options.catalog.allTables())
      for (const attribute of table.attributes)
        if (attribute.index === 'building' && !attribute.dropped) {
          await this.#scanStep(table.id, attribute.number);
          return true;
        }
    return false;
  }

  async #scanStep(tableId: number, attributeNumber: number): Promise<void> {
    const { catalog, records, localWrites, run } = this.#options;
    const scan = `${tableId}:${attributeNumber}`;
    const after = this.#scans.get(scan);
    const reached = await run((commit): Key | undefined => {
      const table = catalog.tableById(tableId);
      const attribute = table?.attributes[attributeNumber];
      if (!table || attribute?.index !== 'building') return undefined;
      const isEnough = localWrites.stepLimit();
      let count = 0;
      for (const { key, row } of records.rows(table, after === undefined ? {} : { after })) {
        records.index(table, attribute, key, row);
        count += 1;
        if (count === rowsAtOnce || isEnough()) return key;
      }
      catalog.putTable(commit, withIndex(table, attribute.name, 'ready'));
      return undefined;
    });
    // Not in the commit: that may fail, or run twice.
    if (reached === undefined) this.#scans.delete(scan);
    else this.#scans.set(scan, reached);
  }

  async #reclaim(): Promise<boolean> {
    const { catalog, records, conflicts, log, localWrites, run } = this.#options;
    const [garbage] = catalog.garbage();
    if (!garbage) return false;
    const { tableId, attributeNumber } = garbage;
    await run((commit) => {
      if (attributeNumber !== undefined) {
        if (!records.reclaimIndex(tableId, attributeNumber, rowsAtOnce)) catalog.forgetGarbage(garbage);
        return;
      }
      const more =
        records.reclaim(tableId, rowsAtOnce) ||
        conflicts.reclaim(commit, tableId, rowsAtOnce) ||
        log.trimChannel(commit, tableId, Number.MAX_SAFE_INTEGER - 1, localWrites.stepLimit()) > 0;
      commit.removeTable(tableId);
      if (!more) catalog.forgetGarbage(garbage);
    });
    return true;
  }

  /** Transactions that were ahead of the clock apply by themselves once time has caught up, with all their parts. */
  async #release(): Promise<boolean> {
    const { quarantine, isolation, run, now } = this.#options;
    const next = quarantine.nextDue(now());
    if (next === undefined) return false;
    return run((commit) => {
      const parts = quarantine.dueParts(next, now());
      for (const part of parts) isolation.release(commit, part);
      return parts.length > 0;
    });
  }

  async #forgetConflicts(): Promise<boolean> {
    const { conflicts, localWrites, run, now } = this.#options;
    const doomed = conflicts.excess(now(), localWrites.stepLimit());
    if (doomed.length === 0) return false;
    await run((commit) => {
      for (const key of doomed) conflicts.remove(commit, key);
    });
    return true;
  }
}
