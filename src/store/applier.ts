import { randomBytes } from 'node:crypto';
import type { Change, Key, Origin } from '../model/change.ts';
import { compareContent, judge } from '../model/conflict.ts';
import type { Table } from '../model/table.ts';
import type { ChannelItem, OriginPlace, TransactionHeader, WholeItem } from '../model/transaction.ts';
import { decodeChanges, decodeDocument, encodeChanges } from '../model/transaction-codec.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeLog, NewPart } from './change-log.ts';
import type { Commit } from './commit.ts';
import type { Cursor, Cursors } from './cursors.ts';
import type { Marks } from './marks.ts';
import type { Records } from './records.ts';
import type { Spool } from './spool.ts';

/** Whose channel is applied to which table here. */
export interface Source {
  readonly table: Table;
  /** Store id of the peer that publishes, and incarnation of its table. */
  readonly storeId: string;
  readonly incarnation: string;
  /** Changes of this version or older are left out (`start_time`). */
  readonly newerThan: number;
}

/** Why a batch was not applied to its end; everything before is applied. */
export type Stop =
  | { readonly kind: 'gap'; readonly expected: number; readonly found: number }
  /** The body of this transaction has to come from elsewhere first. */
  | { readonly kind: 'stub'; readonly header: TransactionHeader; readonly seq: number }
  | { readonly kind: 'no-cursor' }
  | { readonly kind: 'forged'; readonly header: TransactionHeader };

export interface ApplyResult {
  readonly cursor: Cursor | undefined;
  readonly transactions: number;
  readonly changes: number;
  readonly stop: Stop | undefined;
}

export interface CopyPage {
  readonly copyId: string;
  /** Where the channel stood when the copy began: following continues after it. */
  readonly noted: { readonly seq: number; readonly id: string };
  readonly total: number;
  readonly rows: readonly Change[];
  /** Last key of the page. */
  readonly lastKey: Key | undefined;
  readonly isLast: boolean;
}

export interface ApplierOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly log: ChangeLog;
  readonly cursors: Cursors;
  readonly marks: Marks;
  readonly spool: Spool;
  readonly identity: () => Origin;
}

/**
 * Applies what peers publish. All methods run inside a commit that also holds the cursor, so a crash leaves
 * either both or neither, and applying the same again changes nothing, not even the log.
 */
export class Applier {
  readonly #options: ApplierOptions;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Items in channel order; numbers at or below the cursor are skipped, a number above cursor + 1 is a gap. */
  apply(commit: Commit, source: Source, items: readonly ChannelItem[]): ApplyResult {
    const { cursors, catalog, spool } = this.#options;
    let cursor = cursors.get(source.storeId, source.table.id);
    const table = catalog.tableById(source.table.id);
    if (!table || !cursor || cursor.copy || cursor.incarnation !== source.incarnation)
      return { cursor, transactions: 0, changes: 0, stop: { kind: 'no-cursor' } };
    const before = cursor.seq;
    let transactions = 0;
    let changes = 0;
    let stop: Stop | undefined;
    for (const arrived of items) {
      if (arrived.seq <= cursor.seq) continue;
      if (arrived.seq !== cursor.seq + 1) {
        stop = { kind: 'gap', expected: cursor.seq + 1, found: arrived.seq };
        break;
      }
      const item = arrived.kind === 'piece' ? spool.add(table.id, source.storeId, arrived) : arrived;
      if (!item) continue;
      const outcome = this.#applyItem(commit, table, source, item);
      if (typeof outcome !== 'number') {
        stop = outcome;
        break;
      }
      transactions += 1;
      changes += outcome;
      cursor = { ...cursor, seq: item.seq, id: item.header.id };
    }
    if (cursor.seq !== before) {
      cursors.put(source.storeId, table.id, cursor);
      spool.clear(table.id, source.storeId);
    }
    return { cursor, transactions, changes, stop };
  }

  /**
   * The parts of one transaction, each the next of its channel, in one commit and as one entry of the log here.
   * Nothing happens unless every part is exactly next.
   */
  applyTogether(
    commit: Commit,
    parts: readonly { readonly source: Source; readonly item: WholeItem }[],
  ): 'applied' | 'not-next' {
    const { cursors, catalog, log, marks } = this.#options;
    const placed = parts.map(({ source, item }) => ({
      source,
      item,
      table: catalog.tableById(source.table.id),
      cursor: cursors.get(source.storeId, source.table.id),
    }));
    for (const { source, item, table, cursor } of placed) {
      const isNext =
        cursor && !cursor.copy && cursor.incarnation === source.incarnation && cursor.seq + 1 === item.seq;
      if (!table || !isNext) return 'not-next';
    }
    const logged: NewPart[] = [];
    for (const { source, item, table, cursor } of placed) {
      if (!table || !cursor) continue;
      const { header, originPlace } = item;
      if (originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation))
        logged.push(this.#mergePart(commit, table, source, item));
      cursors.put(source.storeId, table.id, { ...cursor, seq: item.seq, id: header.id });
    }
    const [first] = parts;
    if (first && logged.length > 0) log.append(commit, first.item.header, logged);
    return 'applied';
  }

  /** One page of a copy: rows that win are logged here as one transaction of kind `rows`. */
  applyCopy(commit: Commit, source: Source, page: CopyPage): ApplyResult {
    const { cursors, catalog, log, marks } = this.#options;
    const stored = cursors.get(source.storeId, source.table.id);
    const table = catalog.tableById(source.table.id);
    if (!table || stored?.copy?.id !== page.copyId || stored.incarnation !== source.incarnation)
      return { cursor: stored, transactions: 0, changes: 0, stop: { kind: 'no-cursor' } };
    const won: Change[] = [];
    this.#merge(commit, table, newer(page.rows, source), (change) => won.push(change));
    if (won.length > 0) {
      const origin = this.#options.identity();
      log.append(
        commit,
        {
          id: randomBytes(12).toString('base64url'),
          kind: 'rows',
          origin,
          version: commit.state.clock,
          via: source.storeId,
          operation: undefined,
          user: undefined,
        },
        [{ tableId: table.id, incarnation: table.incarnation, changes: encodeChanges(won) }],
      );
    }
    const cursor: Cursor = {
      incarnation: source.incarnation,
      ...page.noted,
      copy: page.isLast
        ? undefined
        : {
            ...stored.copy,
            afterKey: page.lastKey ?? stored.copy.afterKey,
            rows: stored.copy.rows + page.rows.length,
            total: page.total,
          },
    };
    cursors.put(source.storeId, table.id, cursor);
    // Only a complete copy holds everything up to the publisher's marks.
    if (page.isLast) for (const mark of stored.copy.marks) marks.raise(table.id, mark.storeId, mark.place);
    return { cursor, transactions: 1, changes: won.length, stop: undefined };
  }

  /** The number of changes that won, or why the item cannot be applied now. */
  #applyItem(
    commit: Commit,
    table: Table,
    source: Source,
    item: Exclude<ChannelItem, { kind: 'piece' }>,
  ): number | Stop {
    const { marks } = this.#options;
    const { header, originPlace } = item;
    const own = this.#options.identity().storeId;
    if (header.origin.storeId === own)
      return this.#isOurs(table, header, originPlace) ? 0 : { kind: 'forged', header };
    const isNew = originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation);
    if (!isNew) return 0;
    if (item.kind === 'stub') {
      // Rows that our peer copied from us: we have them.
      if (header.via !== own) return { kind: 'stub', header, seq: item.seq };
      marks.raise(table.id, header.origin.storeId, originPlace);
      return 0;
    }
    return this.#applyWhole(commit, table, source, item);
  }

  #applyWhole(commit: Commit, table: Table, source: Source, item: WholeItem): number {
    let won = 0;
    const part = this.#mergePart(commit, table, source, item, () => (won += 1));
    // Numbered here even if nothing won: whoever follows us must not see a hole where this origin's history has none.
    this.#options.log.append(commit, item.header, [part]);
    return won;
  }

  /** Rows and mark of one part; what the log is to say of it. */
  #mergePart(
    commit: Commit,
    table: Table,
    source: Source,
    item: WholeItem,
    onWin: (change: Change) => void = () => {},
  ): NewPart {
    const all = decodeChanges(item.changes);
    const kept = newer(all, source);
    this.#merge(commit, table, kept, onWin);
    this.#options.marks.raise(table.id, item.header.origin.storeId, item.originPlace);
    return {
      tableId: table.id,
      originPlace: item.originPlace,
      incarnation: table.incarnation,
      changes: kept.length === all.length ? item.changes : encodeChanges(kept),
    };
  }

  /** Last writer wins, record by record; raises the clock, so that what is written here later wins later. */
  #merge(commit: Commit, table: Table, changes: readonly Change[], onWin: (change: Change) => void): void {
    const { records, catalog } = this.#options;
    const attributes = new Set<string>();
    for (const { bytes } of changes)
      if (bytes) for (const name of Object.keys(decodeDocument(bytes))) attributes.add(name);
    const widened = catalog.withAttributes(commit, table, attributes);
    for (const change of changes) {
      commit.raiseClock(change.version);
      const stored = records.row(widened, change.key);
      const verdict = judge(change, stored);
      const wins =
        verdict === 'wins' ||
        (verdict === 'forged' && compareContent(change.bytes, stored?.bytes ?? null) > 0);
      if (!wins) continue;
      records.put(commit, widened, change.key, stored, change);
      onWin(change);
    }
  }

  /** A transaction that names our current store must be in our log, unless the log no longer reaches so far back. */
  #isOurs(table: Table, header: TransactionHeader, place: OriginPlace): boolean {
    if (place.incarnation !== table.incarnation) return true;
    const id = this.#options.log.idAt(table.id, place.seq);
    return id === undefined ? place.seq <= this.#options.log.head(table.id).trimmedSeq : id === header.id;
  }
}

function newer(changes: readonly Change[], source: Source): readonly Change[] {
  return source.newerThan === 0 ? changes : changes.filter(({ version }) => version > source.newerThan);
}
