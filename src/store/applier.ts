import type { Change, Key, Origin, Stamp } from '../model/change.ts';
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
import { decodeChanges, decodeItem } from '../model/transaction-codec.ts';
import { msToVersion } from '../model/version-clock.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeLog, NewPart } from './change-log.ts';
import type { Collected, CollectedRows, Knowledge } from './collected.ts';
import type { Commit } from './commit.ts';
import { isBehindGap, withHole, type CopyProgress, type Cursor, type Cursors } from './cursors.ts';
import type { Doubt, Isolation } from './isolation.ts';
import { overtaken, type Mark, type Marks } from './marks.ts';
import type { Merger } from './merger.ts';
import type { Quarantine, Quarantined } from './quarantine.ts';
import type { Spool } from './spool.ts';

/** Whose channel is applied to which table here. */
export interface Source {
  readonly table: Table;
  /** Name and store id of the peer that publishes, and incarnation of its table. */
  readonly peer: string;
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

/** What became of rows that a comparison found to differ. */
export interface Repair {
  readonly won: number;
  /** Ahead of the clock, and not here yet. */
  readonly early: number;
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

const full: Stop = { kind: 'quarantine-full' };

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
 * Applies what peers publish. All methods run inside a commit that also holds the cursor, so a crash leaves
 * either both or neither, and applying the same again changes nothing, not even the log.
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
      else changes += outcome;
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
   * Nothing happens unless every part is exactly next.
   */
  applyTogether(commit: Commit, parts: readonly TransactionPart[]): 'applied' | 'not-next' {
    const { cursors, catalog, log, marks, isolation, quarantine } = this.#options;
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
    if (doubt && placed.some(({ batch }) => !quarantine.hasRoom(batch.source.storeId, placed.length)))
      return 'not-next';
    const isBehind = placed.some(({ cursor }) => isBehindGap(cursor));
    const logged: NewPart[] = [];
    for (const { batch, item, cursor, isOwnItem, changes } of placed) {
      const { source, table } = batch;
      const { header, originPlace } = item;
      const isNew =
        !isOwnItem && originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation);
      const next = { ...cursor, seq: item.seq, id: header.id, newerThan: leftOut(cursor, source) };
      if (isNew && doubt && !isolation.isolate(commit, table, source, item, doubt)) return 'not-next';
      if (isNew && doubt) this.#isNotHeld(table, item);
      const part = isNew && !doubt ? this.#mergePart(batch, item, changes, isBehind).part : undefined;
      if (part) logged.push(part);
      cursors.put(source.storeId, table.id, isNew && doubt ? withHole(next) : next);
    }
    const [first] = parts;
    if (first && logged.length > 0) log.append(commit, first.item.header, logged);
    return 'applied';
  }

  /** One page of a copy: rows that win are logged here as one transaction of kind `rows`. */
  applyCopy(commit: Commit, source: Source, page: CopyPage): ApplyResult {
    const { cursors, catalog, merger, isolation } = this.#options;
    const stored = cursors.get(source.storeId, source.table.id);
    const table = catalog.tableById(source.table.id);
    if (!table || stored?.copy?.id !== page.copyId || stored.incarnation !== source.incarnation)
      return { cursor: stored, transactions: 0, changes: 0, stop: { kind: 'no-cursor' } };
    const rows = newer(page.rows, source);
    const early = isolation.isolateEarly(commit, table, source, page.noted.seq, rows);
    if (early === 'full') return { cursor: stored, transactions: 0, changes: 0, stop: full };
    const changes = merger.mergeRows(commit, table, isolation.present(commit, rows), source, page);
    const copied = progressed(stored.copy, page);
    const copy = early === 'isolated' ? withHole(copied) : copied;
    const newerThan = leftOut(stored, source);
    const place = { incarnation: source.incarnation, newerThan, ...page.noted };
    const cursor: Cursor = page.isLast
      ? { ...place, copy: undefined, unproven: copy.unproven }
      : { ...place, copy };
    cursors.put(source.storeId, table.id, cursor);
    // Only a complete copy holds everything up to the publisher's marks.
    if (page.isLast && newerThan === 0 && copy.unproven?.hole !== true)
      this.#options.collected.learn(table, { marks: copy.marks, deletedBefore: page.deletedBefore });
    return { cursor, transactions: 1, changes, stop: undefined };
  }

  /** Merges rows that a comparison found to differ; those ahead of the clock wait in quarantine, behind a hole. */
  repair(commit: Commit, source: Source, rows: readonly Change[]): Repair {
    const { catalog, cursors, merger, isolation } = this.#options;
    const table = catalog.tableById(source.table.id);
    if (!table) return { won: 0, early: 0 };
    const differing = newer(rows, source);
    const present = isolation.present(commit, differing);
    const early = differing.length - present.length;
    const cursor = cursors.get(source.storeId, table.id);
    // What is left when something waits already is found by the comparison that follows its release.
    if (early > 0 && cursor && !(cursor.unproven?.hole && this.#isWaiting(source))) {
      isolation.isolateEarly(commit, table, source, cursor.seq, differing);
      cursors.put(source.storeId, table.id, withHole(cursor));
    }
    return { won: merger.mergeRows(commit, table, present, source), early };
  }

  /** Deletes rows that the publisher has deleted and forgotten; the keys that went. */
  removeStale(commit: Commit, source: Source, rows: readonly (Stamp & { readonly key: Key })[]): Key[] {
    const { catalog, merger } = this.#options;
    const table = catalog.tableById(source.table.id);
    return table ? merger.removeStale(commit, table, rows, source) : [];
  }

  /** The table was compared with the publisher's; `provenId` is of the {@link Unproven} that this proves. */
  proven(source: Source, provenId: string | undefined, knowledge: Knowledge | undefined): void {
    const { cursors, catalog, collected, marks } = this.#options;
    const table = catalog.tableById(source.table.id);
    const cursor = cursors.get(source.storeId, source.table.id);
    if (!table || cursor?.incarnation !== source.incarnation || cursor.copy) return;
    const { unproven } = cursor;
    const isProven = unproven !== undefined && unproven.id === provenId;
    const closesHole = isProven && unproven.hole === true;
    if (isProven) {
      const newerThan = leftOut(cursor, source);
      cursors.put(source.storeId, table.id, { ...cursor, newerThan, unproven: undefined });
      // Of what a start time leaves out a comparison proves nothing.
      if (newerThan === 0)
        for (const { storeId, place, held } of unproven.overtaken ?? [])
          marks.raise(table.id, storeId, place, held);
    }
    // Behind a hole something that the publisher knows is not here, and would pass for deleted.
    if (!knowledge || (unproven?.hole && !closesHole)) return;
    // Numbers are for the order of transactions, which a comparison does not see: only a hole needs them.
    const known = closesHole ? knowledge.marks : knowledge.marks.map(withoutNumber);
    collected.learn(table, { ...knowledge, marks: known });
  }

  /** What a comparison with the publisher would prove now; undefined where all is proven, or something waits for its time. */
  provable(source: Pick<Source, 'storeId' | 'table'>): string | undefined {
    const { cursors, quarantine } = this.#options;
    const unproven = cursors.get(source.storeId, source.table.id)?.unproven;
    if (unproven?.hole !== true) return unproven?.id;
    // Where there is no room the next one that has to wait would be left out again.
    return this.#isWaiting(source) || !quarantine.hasRoom(source.storeId, 1) ? undefined : unproven.id;
  }

  /** Something of the channel is in quarantine for its time to come. */
  #isWaiting({ storeId, table }: Pick<Source, 'storeId' | 'table'>): boolean {
    return this.#options.quarantine
      .all()
      .some(
        (one) =>
          one.dueAtMs !== undefined &&
          one.storeId === storeId &&
          one.database === table.database &&
          one.tableName === table.name,
      );
  }

  /**
   * Applies what was quarantined, as rows of this node: its own number has passed.
   *
   * @throws CodedError `undecodable` when it still cannot be read
   */
  release(commit: Commit, quarantined: Quarantined): 'applied' | 'no-table' {
    const { catalog, cursors, merger, quarantine } = this.#options;
    const { id, database, tableName, storeId, item } = quarantined;
    const table = catalog.table(database, tableName);
    if (!table) return 'no-table';
    const decoded = decodeItem(item);
    const newerThan = cursors.get(storeId, table.id)?.newerThan ?? 0;
    if (decoded.kind === 'whole')
      merger.mergeRows(commit, table, newer(decodeChanges(decoded.changes), { newerThan }), quarantined);
    quarantine.remove(commit, id);
    return 'applied';
  }

  /** The number of changes that won, or why the item cannot be applied. */
  #applyItem(
    batch: Batch,
    item: Exclude<ChannelItem, PieceItem>,
    cursor: Cursor,
  ): number | 'isolated' | Stop {
    const { marks, log, isolation } = this.#options;
    const { commit, source, table } = batch;
    const isBehind = isBehindGap(cursor);
    if (item.kind !== 'undecodable') {
      const { header, originPlace } = item;
      if (isOwn(batch, item)) return this.#isOurs(table, header, originPlace) ? 0 : { kind: 'lost-own' };
      const isNew = originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation);
      if (!isNew) return 0;
      if (item.kind === 'stub') {
        if (header.via !== viaOf(batch.storeId, table.incarnation))
          return { kind: 'stub', header, seq: item.seq };
        // Rows that our peer copied from us: we have them. What came before them may be missing here all the same.
        if (batch.leftOut === 0 && !isBehind)
          marks.raise(table.id, header.origin.storeId, originPlace, { after: 0, upTo: header.version });
        return 0;
      }
    }
    const { changes, doubt } = isolation.judge(commit, table, item);
    if (doubt) {
      if (!isolation.isolate(commit, table, source, item, doubt)) return full;
      if (item.kind === 'whole') this.#isNotHeld(table, item);
      else marks.doubt(table.id, Math.max(commit.state.clock, msToVersion(commit.nowMs)));
      return 'isolated';
    }
    if (item.kind === 'undecodable') return 0;
    const { part, won } = this.#mergePart(batch, item, changes, isBehind);
    // Numbered here even if nothing won: whoever follows us must not see a hole where this origin's history has none.
    if (part) log.append(commit, item.header, [part]);
    return won;
  }

  /** A transaction in quarantine may be given up: writes of its version are not surely here. */
  #isNotHeld(table: Table, { header, originPlace }: WholeItem): void {
    const held = { after: header.version, upTo: header.version };
    this.#options.marks.raise(table.id, header.origin.storeId, { ...originPlace, seq: 0 }, held);
  }

  /** Rows and mark of one part; what the log is to say of it: nothing when a part of it was left out. */
  #mergePart(
    { commit, source, table, leftOut: after, isCollected }: Batch,
    item: WholeItem,
    all: readonly Change[],
    isBehind: boolean,
  ): { part: NewPart | undefined; won: number } {
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
      return { part: undefined, won };
    }
    const won = merger.merge(commit, table, kept, source, isCollected).length;
    marks.raise(table.id, origin.storeId, item.originPlace, held);
    const { originPlace, changes } = item;
    return { part: { tableId: table.id, originPlace, incarnation: table.incarnation, changes }, won };
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

/** Began in this store and this table. What was written into a table that was dropped since is like any other's. */
function isOwn({ storeId, table }: Batch, { header, originPlace }: WholeItem | StubItem): boolean {
  return header.origin.storeId === storeId && originPlace.incarnation === table.incarnation;
}

/** Versions up to here a start time has left out, before the place or from now on. */
function leftOut(cursor: Cursor, source: Source): number {
  return Math.max(cursor.newerThan ?? 0, source.newerThan);
}

/** What a mark says of versions, and nothing of transactions. */
function withoutNumber(mark: Mark): Mark {
  return { ...mark, place: { ...mark.place, seq: 0 } };
}

function progressed(copy: CopyProgress, { marks, lastKey, rows, total }: CopyPage): CopyProgress {
  return {
    ...copy,
    afterKey: lastKey ?? copy.afterKey,
    rows: copy.rows + rows.length,
    total,
    ...(marks
      ? { marks: overtaken(copy.marks, marks), unproven: { ...copy.unproven, id: copy.id, overtaken: marks } }
      : {}),
  };
}

function newer(changes: readonly Change[], { newerThan }: Pick<Source, 'newerThan'>): readonly Change[] {
  return newerThan === 0 ? changes : changes.filter(({ version }) => version > newerThan);
}
