import type { Change, Key } from '../model/change.ts';
import type { ApplyResult } from './applier.ts';
import type { Catalog } from './catalog.ts';
import type { Collected } from './collected.ts';
import type { Commit } from './commit.ts';
import { isSamePlace, withHole, type CopyProgress, type Cursor, type Cursors } from './cursors.ts';
import type { Isolation } from './isolation.ts';
import { hadBy, overtaken, type Mark } from './marks.ts';
import type { Merger } from './merger.ts';
import { leftOut, newer, type Source } from './source.ts';

export interface CopyPage {
  readonly copyId: string;
  /** Where the channel stood when the copy began: following continues after it. */
  readonly noted: { readonly seq: number; readonly id: string };
  /** Present when the log has overtaken the copy: the publisher's marks at `noted`, which is a new place. */
  readonly marks?: readonly Mark[] | undefined;
  /** What the publisher has forgotten of deletes. */
  readonly deletedBefore: number;
  readonly total: number;
  readonly rows: readonly Change[];
  /** `encodeChanges` of all of the rows, where they are as they came. */
  readonly block?: Uint8Array | undefined;
  /** Last key of the page. */
  readonly lastKey: Key | undefined;
  readonly isLast: boolean;
}

export interface CopyApplierOptions {
  readonly catalog: Catalog;
  readonly cursors: Cursors;
  readonly merger: Merger;
  readonly isolation: Isolation;
  readonly collected: Collected;
}

/** Applies the pages of copies: the rows that were in a peer's table before its channel is followed. */
export class CopyApplier {
  readonly #options: CopyApplierOptions;

  constructor(options: CopyApplierOptions) {
    this.#options = options;
  }

  /** Inside a commit: begins a copy where the place is still `asked`; false when somebody has moved it since. */
  begin(
    { storeId, table }: Pick<Source, 'storeId' | 'table'>,
    asked: Cursor | undefined,
    begun: Cursor,
  ): boolean {
    const { cursors, catalog } = this.#options;
    const isStill = isSamePlace(cursors.get(storeId, table.id), asked);
    if (!isStill || !catalog.tableById(table.id)) return false;
    cursors.put(storeId, table.id, begun);
    return true;
  }

  /**
   * Inside a commit, which also holds the place of the copy. Rows that win are logged here as one transaction of kind
   * `rows`; those ahead of the clock wait in quarantine, behind a hole.
   */
  apply(commit: Commit, source: Source, page: CopyPage): ApplyResult {
    const { cursors, catalog, merger, isolation, collected } = this.#options;
    const stored = cursors.get(source.storeId, source.table.id);
    const table = catalog.tableById(source.table.id);
    if (!table || stored?.copy?.id !== page.copyId || stored.incarnation !== source.incarnation)
      return { cursor: stored, transactions: 0, changes: 0, stop: { kind: 'no-cursor' } };
    const { present, early } = isolation.judgeRows(commit, newer(page.rows, source));
    if (!isolation.isolateRows(commit, table, source, page.noted.seq, early))
      return { cursor: stored, transactions: 0, changes: 0, stop: { kind: 'quarantine-full' } };
    // What the publisher had when it last noted a place: the marks of an overtaken copy no longer say so.
    const told = page.marks ?? stored.copy.unproven?.overtaken ?? stored.copy.marks;
    const sender = { ...source, hasHad: hadBy(told, source.storeId) };
    const changes = merger.mergeRows(commit, table, present, sender, page);
    const copied = progressed(stored.copy, page, commit.nowMs);
    const copy = early.length > 0 ? withHole(copied) : copied;
    const newerThan = leftOut(stored, source);
    const place = { incarnation: source.incarnation, newerThan, ...page.noted };
    const cursor: Cursor = page.isLast
      ? { ...place, copy: undefined, unproven: copy.unproven }
      : { ...place, copy };
    cursors.put(source.storeId, table.id, cursor);
    // Only a complete copy holds everything up to the publisher's marks.
    if (page.isLast && newerThan === 0 && copy.unproven?.hole !== true)
      collected.learn(table, { marks: copy.marks, deletedBefore: page.deletedBefore });
    return { cursor, transactions: 1, changes, stop: undefined };
  }
}

/** A page that took longer than this waited for somebody: for the link, or for the publisher. */
const longestPageMs = 10_000;

function progressed(
  copy: CopyProgress,
  { marks, lastKey, rows, total }: CopyPage,
  nowMs: number,
): CopyProgress {
  const beforeMs = copy.activeMs ?? 0;
  const tookMs = Math.min(Math.max(0, nowMs - copy.startedAtMs - beforeMs), longestPageMs);
  const activeMs = beforeMs + Math.round(tookMs);
  return {
    ...copy,
    startedAtMs: nowMs - activeMs,
    activeMs,
    afterKey: lastKey ?? copy.afterKey,
    rows: copy.rows + rows.length,
    total,
    ...(marks
      ? { marks: overtaken(copy.marks, marks), unproven: { ...copy.unproven, id: copy.id, overtaken: marks } }
      : {}),
  };
}
