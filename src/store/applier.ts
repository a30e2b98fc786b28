import type { Change, Origin } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import {
  viaOf,
  type ChannelItem,
  type OriginPlace,
  type PieceItem,
  type StubItem,
  type TransactionHeader,
  type WholeItem,
} from '../model/transaction.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeLog, NewPart } from './change-log.ts';
import type { Collected, CollectedRows } from './collected.ts';
import type { Commit } from './commit.ts';
import { isBehindGap, withFollowed, withHole, type Cursor, type Cursors } from './cursors.ts';
import type { Doubt, Isolation } from './isolation.ts';
import type { Marks } from './marks.ts';
import type { Merger } from './merger.ts';
import type { Quarantine } from './quarantine.ts';
import { leftOut, newer, type Source } from './source.ts';
import type { Spool } from './spool.ts';

/** What became of the parts of a transaction over several channels. */
export type Together = 'applied' | 'not-next' | 'quarantine-full';

/** Why a batch was not applied to its end; everything before is applied. */
export type Stop =
  | { readonly kind: 'gap'; readonly expected: number; readonly found: number }
  /** The body of this transaction has to come from elsewhere first. */
  | { readonly kind: 'stub'; readonly storeId: string; readonly place: OriginPlace }
  | { readonly kind: 'no-cursor' }
  /** The last piece of a transaction over several channels has come: its other parts may have to wait for it. */
  | { readonly kind: 'assembled'; readonly item: WholeItem }
  /** The quarantine of this peer is full: the channel waits for a person. */
  | { readonly kind: 'quarantine-full' }
  /** A transaction of this store that its log never had. */
  | { readonly kind: 'lost-own' };

export interface ApplyResult {
  readonly cursor: Cursor | undefined;
  readonly transactions: number;
  readonly changes: number;
  readonly stop: Stop | undefined;
}

export interface TransactionPart {
  readonly source: Source;
  readonly item: WholeItem;
}

export interface ApplierOptions {
  readonly catalog: Catalog;
  readonly merger: Merger;
  readonly log: ChangeLog;
  readonly cursors: Cursors;
  readonly marks: Marks;
  readonly collected: Collected;
  readonly spool: Spool;
  readonly quarantine: Quarantine;
  readonly isolation: Isolation;
  readonly identity: () => Origin;
}

/** What is the same for all transactions that one commit applies of a channel. */
interface Batch {
  readonly commit: Commit;
  readonly source: Source;
  readonly table: Table;
  /** Of this store. */
  readonly storeId: string;
  /** Behind the place everything up to this version may be missing. */
  readonly leftOut: number;
  readonly isCollected: CollectedRows;
}

/**
 * Applies the transactions of peers' channels, each channel in order of its numbers. All methods run inside a commit that
 * also holds the cursor, so a crash leaves either both or neither, and applying the same again changes nothing, not even
 * the log.
 */
export class Applier {
  readonly #options: ApplierOptions;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /**
   * Items in channel order; numbers at or below the cursor are skipped, a number above cursor + 1 is a gap.
   *
   * @param isEnough asked after each item: the rest is for another commit
   * @returns also how many of the items were looked at
   */
  apply(
    commit: Commit,
    source: Source,
    items: readonly ChannelItem[],
    isEnough: () => boolean,
  ): ApplyResult & { readonly taken: number } {
    return this.#options.marks.gathered(() => this.#apply(commit, source, items, isEnough));
  }

  #apply(
    commit: Commit,
    source: Source,
    items: readonly ChannelItem[],
    isEnough: () => boolean,
  ): ApplyResult & { readonly taken: number } {
    const { cursors, catalog, spool } = this.#options;
    let cursor = cursors.get(source.storeId, source.table.id);
    const table = catalog.tableById(source.table.id);
    if (!table || !cursor || cursor.copy || cursor.incarnation !== source.incarnation)
      return { cursor, transactions: 0, changes: 0, stop: { kind: 'no-cursor' }, taken: 0 };
    let batch: Batch | undefined;
    let { seq, id } = cursor;
    let transactions = 0;
    let changes = 0;
    let stop: Stop | undefined;
    let isSpooling = false;
    let taken = 0;
    for (const arrived of items) {
      if (taken > 0 && isEnough()) break;
      taken += 1;
      if (arrived.seq <= seq) continue;
      if (arrived.seq !== seq + 1) {
        stop = { kind: 'gap', expected: seq + 1, found: arrived.seq };
        break;
      }
      const item = arrived.kind === 'piece' ? spool.add(table.id, source.storeId, arrived) : arrived;
      if (!item) {
        isSpooling = true;
        // The last piece came and others are missing: from the first one again.
        if (arrived.kind === 'piece' && arrived.index === arrived.count - 1) {
          stop = { kind: 'gap', expected: arrived.seq, found: arrived.seq };
          break;
        }
        continue;
      }
      if (arrived.kind === 'piece' && item.kind === 'whole' && item.parts.length > 1) {
        stop = { kind: 'assembled', item };
        break;
      }
      batch ??= this.#batch(commit, source, table, cursor);
      const outcome = this.#applyItem(batch, item, cursor);
      if (outcome !== 'isolated' && typeof outcome !== 'number') {
        stop = outcome;
        break;
      }
      transactions += 1;
      if (outcome === 'isolated') cursor = withHole(cursor);
      else {
        changes += outcome;
        cursor = followed(batch, item, cursor);
      }
      isSpooling = false;
      if (arrived.kind === 'piece') spool.clear(table.id, source.storeId);
      ({ seq } = item);
      ({ id } = item.kind === 'undecodable' ? item : item.header);
    }
    if (seq !== cursor.seq) {
      cursor = { ...cursor, seq, id, newerThan: leftOut(cursor, source) };
      cursors.put(source.storeId, table.id, cursor);
      if (!isSpooling && stop?.kind !== 'assembled') spool.clear(table.id, source.storeId);
    }
    return { cursor, transactions, changes, stop, taken };
  }

  /**
   * The parts of one transaction, each the next of its channel, in one commit and as one entry of the log here.
   * Nothing happens unless every part is exactly next, and in quarantine there is room for all that have to wait.
   */
  applyTogether(commit: Commit, parts: readonly TransactionPart[]): Together {
    const { cursors, catalog, log, marks, merger, isolation, quarantine } = this.#options;
    const placed: {
      readonly batch: Batch;
      readonly item: WholeItem;
      readonly cursor: Cursor;
      readonly isOwnItem: boolean;
      readonly changes: readonly Change[];
    }[] = [];
    let doubt: Doubt | undefined;
    for (const { source, item } of parts) {
      const table = catalog.tableById(source.table.id);
      const cursor = cursors.get(source.storeId, source.table.id);
      const isNext =
        cursor?.incarnation === source.incarnation && !cursor.copy && cursor.seq + 1 === item.seq;
      if (!table || !cursor || !isNext) return 'not-next';
      const batch = this.#batch(commit, source, table, cursor);
      const isOwnItem = isOwn(batch, item);
      if (isOwnItem && !this.#isOurs(table, item.header, item.originPlace)) return 'not-next';
      const judged = isolation.judge(commit, table, item);
      doubt ??= judged.doubt;
      placed.push({ batch, item, cursor, isOwnItem, changes: judged.changes });
    }
    // All of them or none: half of it in quarantine would not be a transaction.
    if (doubt && placed.some(({ batch }) => !quarantine.hasRoom(batch.source.peer, placed.length)))
      return 'quarantine-full';
    const isBehind = placed.some(({ cursor }) => isBehindGap(cursor));
    const logged: NewPart[] = [];
    const oldDeletes: { readonly table: Table; readonly deletes: readonly Change[] }[] = [];
    for (const { batch, item, cursor, isOwnItem, changes } of placed) {
      const { source, table } = batch;
      const { header, originPlace } = item;
      const isNew =
        !isOwnItem && originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation);
      const next = { ...cursor, seq: item.seq, id: header.id, newerThan: leftOut(cursor, source) };
      if (isNew && doubt) isolation.isolate(commit, table, source, item, doubt);
      const merged = isNew && !doubt ? this.#mergePart(batch, item, changes, isBehind) : undefined;
      if (merged?.part) {
        logged.push(merged.part);
        oldDeletes.push({ table, deletes: merged.oldDeletes });
      }
      cursors.put(source.storeId, table.id, isNew && doubt ? withHole(next) : followed(batch, item, next));
    }
    const [first] = parts;
    if (first && logged.length > 0) log.append(commit, first.item.header, logged);
    for (const { table, deletes } of oldDeletes) merger.tellAgain(commit, table, deletes);
    return 'applied';
  }

  /** The number of changes that won, or why the item cannot be applied. */
  #applyItem(
    batch: Batch,
    item: Exclude<ChannelItem, PieceItem>,
    cursor: Cursor,
  ): number | 'isolated' | Stop {
    const { marks, log, merger, isolation, quarantine } = this.#options;
    const { commit, source, table } = batch;
    const isBehind = isBehindGap(cursor);
    if (item.kind !== 'undecodable') {
      const { header, originPlace } = item;
      if (isOwn(batch, item)) return this.#isOurs(table, header, originPlace) ? 0 : { kind: 'lost-own' };
      const isNew = originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation);
      if (!isNew) return 0;
      if (item.kind === 'stub') {
        if (header.via !== viaOf(batch.storeId, table.incarnation))
          return { kind: 'stub', storeId: header.origin.storeId, place: originPlace };
        // Rows that our peer copied from us: we have them. What came before them may be missing here all the same.
        if (batch.leftOut === 0 && !isBehind)
          marks.raise(table.id, header.origin.storeId, originPlace, { after: 0, upTo: header.version });
        return 0;
      }
    }
    const { changes, doubt } = isolation.judge(commit, table, item);
    if (doubt) {
      if (!quarantine.hasRoom(source.peer, 1)) return { kind: 'quarantine-full' };
      isolation.isolate(commit, table, source, item, doubt);
      return 'isolated';
    }
    if (item.kind === 'undecodable') return 0;
    const { part, won, oldDeletes } = this.#mergePart(batch, item, changes, isBehind);
    // Numbered here even if nothing won: whoever follows us must not see a hole where this origin's history has none.
    if (part) {
      log.append(commit, item.header, [part]);
      merger.tellAgain(commit, table, oldDeletes);
    }
    return won;
  }

  /** Rows and mark of one part; what the log is to say of it: nothing when a part of it was left out. */
  #mergePart(
    { commit, source, table, leftOut: after, isCollected }: Batch,
    item: WholeItem,
    all: readonly Change[],
    isBehind: boolean,
  ): { part: NewPart | undefined; won: number; oldDeletes: readonly Change[] } {
    const { merger, marks } = this.#options;
    const kept = newer(all, source);
    const { origin, version } = item.header;
    const held = { after, upTo: kept.length < all.length ? 0 : version };
    const isFiltered = after > 0;
    // Under its own id and number it would tell others, and our marks, that nothing before it is missing.
    if (isFiltered || isBehind) {
      const won = merger.mergeRows(commit, table, kept, source);
      // Not before: what marks tell of and is not here passes for deleted.
      if (isFiltered && !isBehind)
        marks.raise(table.id, origin.storeId, { ...item.originPlace, seq: 0 }, held);
      return { part: undefined, won, oldDeletes: [] };
    }
    const { won, oldDeletes } = merger.merge(commit, table, kept, source, isCollected);
    marks.raise(table.id, origin.storeId, item.originPlace, held);
    const { originPlace, changes } = item;
    const part = { tableId: table.id, originPlace, incarnation: table.incarnation, changes };
    return { part, won: won.length, oldDeletes };
  }

  #batch(commit: Commit, source: Source, table: Table, cursor: Cursor): Batch {
    const { identity, collected } = this.#options;
    return {
      commit,
      source,
      table,
      storeId: identity().storeId,
      leftOut: leftOut(cursor, source),
      isCollected: collected.of(table),
    };
  }

  /** A transaction that names our current store must be in our log, unless the log no longer reaches so far back. */
  #isOurs(table: Table, header: TransactionHeader, place: OriginPlace): boolean {
    const id = this.#options.log.idAt(table.id, place.seq);
    return id === undefined ? place.seq <= this.#options.log.head(table.id).trimmedSeq : id === header.id;
  }
}

function followed(batch: Batch, item: Exclude<ChannelItem, PieceItem>, cursor: Cursor): Cursor {
  if (item.kind === 'undecodable' || isOwn(batch, item)) return cursor;
  return withFollowed(cursor, item.header.origin.storeId, item.originPlace);
}

/** Began in this store and this table. What was written into a table that was dropped since is like any other's. */
function isOwn({ storeId, table }: Batch, { header, originPlace }: WholeItem | StubItem): boolean {
  return header.origin.storeId === storeId && originPlace.incarnation === table.incarnation;
}
