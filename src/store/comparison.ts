import type { Change, Key, Stamp } from '../model/change.ts';
import type { Catalog } from './catalog.ts';
import type { Collected, Knowledge } from './collected.ts';
import type { Commit } from './commit.ts';
import { isBehindGap, withHole, type Cursors } from './cursors.ts';
import type { Isolation } from './isolation.ts';
import type { Mark, Marks } from './marks.ts';
import type { Merger } from './merger.ts';
import type { Quarantine } from './quarantine.ts';
import { leftOut, newer, type Source } from './source.ts';

/** What became of rows that a comparison found to differ. */
export interface Repair {
  readonly won: number;
  /** Ahead of the clock, and not here yet. */
  readonly early: number;
}

export interface ComparisonOptions {
  readonly catalog: Catalog;
  readonly merger: Merger;
  readonly cursors: Cursors;
  readonly marks: Marks;
  readonly collected: Collected;
  readonly quarantine: Quarantine;
  readonly isolation: Isolation;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
}

/** What comparing a table with its publisher's changes here, and what it proves. */
export class Comparison {
  readonly #options: ComparisonOptions;

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  /** Merges rows that were found to differ; those ahead of the clock wait in quarantine, behind a hole. */
  async repair(source: Source, rows: readonly Change[]): Promise<Repair> {
    return this.#options.run((commit) => this.#repair(commit, source, rows));
  }

  #repair(commit: Commit, source: Source, rows: readonly Change[]): Repair {
    const { catalog, cursors, merger, isolation } = this.#options;
    const table = catalog.tableById(source.table.id);
    if (!table) return { won: 0, early: 0 };
    const { present, early } = isolation.judgeRows(commit, newer(rows, source));
    const cursor = cursors.get(source.storeId, table.id);
    // What is left when something waits already is found by the comparison that follows its release.
    if (early.length > 0 && cursor && !(cursor.unproven?.hole && this.#isWaiting(source))) {
      // Where there is no room for them, the hole says all the same that they are missing.
      isolation.isolateRows(commit, table, source, cursor.seq, early);
      cursors.put(source.storeId, table.id, withHole(cursor));
    }
    return { won: merger.mergeRows(commit, table, present, source), early: early.length };
  }

  /** Deletes rows that the publisher has deleted and forgotten; the keys that went. */
  async removeStale(source: Source, rows: readonly (Stamp & { readonly key: Key })[]): Promise<Key[]> {
    const { catalog, merger, run } = this.#options;
    return run((commit) => {
      const table = catalog.tableById(source.table.id);
      return table ? merger.removeStale(commit, table, rows, source) : [];
    });
  }

  /** What a comparison would prove now, see `Cursor.unproven`; undefined where all is proven, or something waits for its time. */
  provable(source: Pick<Source, 'peer' | 'storeId' | 'table'>): string | undefined {
    const { cursors, quarantine } = this.#options;
    const unproven = cursors.get(source.storeId, source.table.id)?.unproven;
    if (unproven?.hole !== true) return unproven?.id;
    // Where there is no room the next one that has to wait would be left out again.
    return this.#isWaiting(source) || !quarantine.hasRoom(source.peer, 1) ? undefined : unproven.id;
  }

  /**
   * The table was compared with the publisher's.
   *
   * @param provenId what this proves: {@link provable} as it was when the comparison began
   * @param knowledge what the publisher knew then
   */
  async proven(
    source: Source,
    provenId: string | undefined,
    knowledge: Knowledge | undefined,
  ): Promise<void> {
    await this.#options.run(() => this.#proven(source, provenId, knowledge));
  }

  #proven(source: Source, provenId: string | undefined, knowledge: Knowledge | undefined): void {
    const { cursors, catalog, collected, marks } = this.#options;
    const table = catalog.tableById(source.table.id);
    const cursor = cursors.get(source.storeId, source.table.id);
    if (!table || cursor?.incarnation !== source.incarnation || cursor.copy) return;
    const { unproven } = cursor;
    const isProven = unproven !== undefined && unproven.id === provenId;
    if (isProven) {
      const newerThan = leftOut(cursor, source);
      cursors.put(source.storeId, table.id, { ...cursor, newerThan, unproven: undefined });
      // Of what a start time leaves out a comparison proves nothing.
      if (newerThan === 0)
        for (const { storeId, place, held } of unproven.overtaken ?? [])
          marks.learn(table.id, storeId, place, held);
    }
    // Behind a hole something that the publisher knows is not here, and would pass for deleted.
    if (!knowledge || (unproven?.hole && !isProven)) return;
    // Numbers are for the order of transactions, which a comparison does not see: only what came behind a gap needs them.
    const known = isProven && isBehindGap(cursor) ? knowledge.marks : knowledge.marks.map(withoutNumber);
    collected.learn(table, { ...knowledge, marks: known });
  }

  /** Something of the channel is in quarantine for its time to come. */
  #isWaiting({ storeId, table }: Pick<Source, 'storeId' | 'table'>): boolean {
    return this.#options.quarantine.held(storeId, table.database, table.name).waiting > 0;
  }
}

/** What a mark says of versions, and nothing of transactions. */
function withoutNumber(mark: Mark): Mark {
  return { ...mark, place: { ...mark.place, seq: 0 } };
}
