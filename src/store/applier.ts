import { randomBytes } from 'node:crypto';
import type { Change, Key, Origin, Stamp } from '../model/change.ts';
import { messageOf } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import type {
  ChannelItem,
  OriginPlace,
  PieceItem,
  StubItem,
  TransactionHeader,
  UndecodableItem,
  WholeItem,
} from '../model/transaction.ts';
import {
  decodeChanges,
  decodeDocument,
  decodeItem,
  encodeChanges,
  encodeItem,
} from '../model/transaction-codec.ts';
import { msToVersion } from '../model/version-clock.ts';
import type { Catalog } from './catalog.ts';
import type { ChangeLog, NewPart } from './change-log.ts';
import type { Collected, Knowledge } from './collected.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { Commit } from './commit.ts';
import type { CopyProgress, Cursor, Cursors } from './cursors.ts';
import { overtaken, type HeldVersions, type Mark, type Marks } from './marks.ts';
import type { Merger } from './merger.ts';
import type { Quarantine, Quarantined, Suspect } from './quarantine.ts';
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
  /** Present when the log has overtaken the copy: the publisher's marks at `noted`, which is a new place. */
  readonly marks?: readonly Mark[] | undefined;
  /** What the publisher has forgotten of deletes. */
  readonly deletedBefore: number;
  readonly total: number;
  readonly rows: readonly Change[];
  /** Last key of the page. */
  readonly lastKey: Key | undefined;
  readonly isLast: boolean;
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
  readonly clockGuard: ClockGuard;
  readonly identity: () => Origin;
}

type Doubt = Pick<Suspect, 'reason' | 'detail' | 'dueAtMs'>;

const full: Stop = { kind: 'quarantine-full' };

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
    const { cursors, catalog, spool } = this.#options;
    let cursor = cursors.get(source.storeId, source.table.id);
    const table = catalog.tableById(source.table.id);
    if (!table || !cursor || cursor.copy || cursor.incarnation !== source.incarnation)
      return { cursor, transactions: 0, changes: 0, stop: { kind: 'no-cursor' }, taken: 0 };
    const before = cursor.seq;
    let transactions = 0;
    let changes = 0;
    let stop: Stop | undefined;
    let isSpooling = false;
    let taken = 0;
    for (const arrived of items) {
      if (taken > 0 && isEnough()) break;
      taken += 1;
      if (arrived.seq <= cursor.seq) continue;
      if (arrived.seq !== cursor.seq + 1) {
        stop = { kind: 'gap', expected: cursor.seq + 1, found: arrived.seq };
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
      const outcome = this.#applyItem(commit, table, source, item);
      if (typeof outcome !== 'number') {
        stop = outcome;
        break;
      }
      transactions += 1;
      changes += outcome;
      isSpooling = false;
      if (arrived.kind === 'piece') spool.clear(table.id, source.storeId);
      cursor = { ...cursor, seq: item.seq, id: item.kind === 'undecodable' ? item.id : item.header.id };
    }
    if (cursor.seq !== before) {
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
    const { cursors, catalog, log, marks } = this.#options;
    const placed: (TransactionPart & {
      readonly table: Table;
      readonly cursor: Cursor;
      readonly isOwn: boolean;
    })[] = [];
    for (const { source, item } of parts) {
      const table = catalog.tableById(source.table.id);
      const cursor = cursors.get(source.storeId, source.table.id);
      const isNext =
        cursor?.incarnation === source.incarnation && !cursor.copy && cursor.seq + 1 === item.seq;
      if (!table || !cursor || !isNext) return 'not-next';
      const isOwn = this.#isOwn(table, item);
      if (isOwn && !this.#isOurs(table, item.header, item.originPlace)) return 'not-next';
      placed.push({ source, item, table, cursor, isOwn });
    }
    const doubt = placed.map(({ item }) => this.#doubtOf(commit, item)).find((found) => found !== undefined);
    const logged: NewPart[] = [];
    for (const { source, item, table, cursor, isOwn } of placed) {
      const { header, originPlace } = item;
      const isNew =
        !isOwn && originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation);
      if (isNew && doubt) {
        if (!this.#isolate(commit, table, source, item, doubt)) return 'not-next';
        marks.raise(table.id, header.origin.storeId, originPlace, notHeld(header));
      }
      const part = isNew && !doubt ? this.#mergePart(commit, table, source, item).part : undefined;
      if (part) logged.push(part);
      cursors.put(source.storeId, table.id, { ...cursor, seq: item.seq, id: header.id });
    }
    const [first] = parts;
    if (first && logged.length > 0) log.append(commit, first.item.header, logged);
    return 'applied';
  }

  /** One page of a copy: rows that win are logged here as one transaction of kind `rows`. */
  applyCopy(commit: Commit, source: Source, page: CopyPage): ApplyResult {
    const { cursors, catalog, merger } = this.#options;
    const stored = cursors.get(source.storeId, source.table.id);
    const table = catalog.tableById(source.table.id);
    if (!table || stored?.copy?.id !== page.copyId || stored.incarnation !== source.incarnation)
      return { cursor: stored, transactions: 0, changes: 0, stop: { kind: 'no-cursor' } };
    const rows = newer(page.rows, source);
    if (!this.#isolateEarly(commit, table, source, page, rows))
      return { cursor: stored, transactions: 0, changes: 0, stop: full };
    const present = rows.filter(
      ({ version }) => this.#options.clockGuard.dueAtMs(commit, version) === undefined,
    );
    const changes = merger.mergeRows(commit, table, present, source);
    const copy = progressed(stored.copy, page);
    const { incarnation } = source;
    const cursor: Cursor = page.isLast
      ? { incarnation, ...page.noted, copy: undefined, unproven: copy.unproven }
      : { incarnation, ...page.noted, copy };
    cursors.put(source.storeId, table.id, cursor);
    // Only a complete copy holds everything up to the publisher's marks.
    if (page.isLast && source.newerThan === 0)
      this.#options.collected.learn(table, { marks: copy.marks, deletedBefore: page.deletedBefore });
    return { cursor, transactions: 1, changes, stop: undefined };
  }

  /** Merges rows that a comparison found to differ; those ahead of the clock stay out. The number that won. */
  repair(commit: Commit, source: Source, rows: readonly Change[]): number {
    const { catalog, merger, clockGuard } = this.#options;
    const table = catalog.tableById(source.table.id);
    if (!table) return 0;
    const present = newer(rows, source).filter(
      ({ version }) => clockGuard.dueAtMs(commit, version) === undefined,
    );
    return merger.mergeRows(commit, table, present, source);
  }

  /** Deletes rows that the publisher has deleted and forgotten; the keys that went. */
  removeStale(commit: Commit, source: Source, rows: readonly (Stamp & { readonly key: Key })[]): Key[] {
    const { catalog, merger } = this.#options;
    const table = catalog.tableById(source.table.id);
    return table ? merger.removeStale(commit, table, rows, source) : [];
  }

  /** The table was compared with the publisher's; `copyId` is of the copy that this proves. */
  proven(source: Source, copyId: string | undefined, knowledge: Knowledge | undefined): void {
    const { cursors, catalog, collected, marks } = this.#options;
    const table = catalog.tableById(source.table.id);
    const cursor = cursors.get(source.storeId, source.table.id);
    if (!table || cursor?.incarnation !== source.incarnation || cursor.copy) return;
    if (cursor.unproven && cursor.unproven.id === copyId) {
      cursors.put(source.storeId, table.id, { ...cursor, unproven: undefined });
      for (const { storeId, place, held } of cursor.unproven.overtaken ?? [])
        marks.raise(table.id, storeId, place, held);
    }
    if (!knowledge) return;
    // Only what was held: numbers are for the order of transactions, which a comparison does not see.
    const known = knowledge.marks.map((mark) => ({ ...mark, place: { ...mark.place, seq: 0 } }));
    collected.learn(table, { ...knowledge, marks: known });
  }

  /**
   * Applies what was quarantined, as rows of this node: its own number has passed.
   *
   * @throws CodedError `undecodable` when it still cannot be read
   */
  release(commit: Commit, quarantined: Quarantined): 'applied' | 'no-table' {
    const { catalog, merger, quarantine } = this.#options;
    const { id, database, tableName, item } = quarantined;
    const table = catalog.table(database, tableName);
    if (!table) return 'no-table';
    const decoded = decodeItem(item);
    if (decoded.kind === 'whole')
      merger.mergeRows(commit, table, decodeChanges(decoded.changes), quarantined);
    quarantine.remove(commit, id);
    return 'applied';
  }

  /** The number of changes that won, or why the item cannot be applied now. */
  #applyItem(
    commit: Commit,
    table: Table,
    source: Source,
    item: Exclude<ChannelItem, PieceItem>,
  ): number | Stop {
    const { marks, log } = this.#options;
    if (item.kind === 'undecodable') {
      const doubt: Doubt = { reason: 'undecodable', detail: item.detail, dueAtMs: undefined };
      if (!this.#isolate(commit, table, source, item, doubt)) return full;
      marks.doubt(table.id, Math.max(commit.state.clock, msToVersion(commit.nowMs)));
      return 0;
    }
    const { header, originPlace } = item;
    if (this.#isOwn(table, item))
      return this.#isOurs(table, header, originPlace) ? 0 : { kind: 'forged', header };
    const isNew = originPlace.seq > marks.get(table.id, header.origin.storeId, originPlace.incarnation);
    if (!isNew) return 0;
    if (item.kind === 'stub') {
      // Rows that our peer copied from us: we have them.
      if (header.via !== this.#options.identity().storeId) return { kind: 'stub', header, seq: item.seq };
      marks.raise(table.id, header.origin.storeId, originPlace, { after: 0, upTo: header.version });
      return 0;
    }
    const doubt = this.#doubtOf(commit, item);
    if (doubt) {
      if (!this.#isolate(commit, table, source, item, doubt)) return full;
      marks.raise(table.id, header.origin.storeId, originPlace, notHeld(header));
      return 0;
    }
    const { part, won } = this.#mergePart(commit, table, source, item);
    // Numbered here even if nothing won: whoever follows us must not see a hole where this origin's history has none.
    if (part) log.append(commit, header, [part]);
    return won;
  }

  /** Rows and mark of one part; what the log is to say of it: nothing when a part of it was left out. */
  #mergePart(
    commit: Commit,
    table: Table,
    source: Source,
    item: WholeItem,
  ): { part: NewPart | undefined; won: number } {
    const { merger, marks } = this.#options;
    const all = decodeChanges(item.changes);
    const kept = newer(all, source);
    const { origin, version } = item.header;
    if (kept.length < all.length) {
      const held = { after: source.newerThan, upTo: 0 };
      marks.raise(table.id, origin.storeId, { ...item.originPlace, seq: 0 }, held);
      // Not the transaction that its id names: whoever hears it from us must still take the whole one from elsewhere.
      return { part: undefined, won: merger.mergeRows(commit, table, kept, source) };
    }
    const won = merger.merge(commit, table, kept, source).length;
    marks.raise(table.id, origin.storeId, item.originPlace, { after: source.newerThan, upTo: version });
    const { originPlace, changes } = item;
    return { part: { tableId: table.id, originPlace, incarnation: table.incarnation, changes }, won };
  }

  /** Why a transaction may not be applied now; undefined when it may. */
  #doubtOf(commit: Commit, item: WholeItem): Doubt | undefined {
    let highest = item.header.version;
    try {
      for (const { bytes, version } of decodeChanges(item.changes)) {
        if (bytes) decodeDocument(bytes);
        highest = Math.max(highest, version);
      }
    } catch (error) {
      return { reason: 'undecodable', detail: messageOf(error), dueAtMs: undefined };
    }
    return this.#aheadOfClock(commit, highest);
  }

  #aheadOfClock(commit: Commit, version: number): Doubt | undefined {
    const dueAtMs = this.#options.clockGuard.dueAtMs(commit, version);
    if (dueAtMs === undefined) return undefined;
    const detail = `Its version is of ${new Date(version / 1000).toISOString()}, this node's clock says ${new Date(commit.nowMs).toISOString()}`;
    return { reason: 'ahead of the clock', detail, dueAtMs };
  }

  /** Keeps what cannot be applied; false when there is no room. */
  #isolate(
    commit: Commit,
    table: Table,
    source: Source,
    item: WholeItem | UndecodableItem,
    doubt: Doubt,
  ): boolean {
    const bytes = item.kind === 'undecodable' ? item.bytes : encodeItem(item);
    const id = item.kind === 'undecodable' ? item.id : item.header.id;
    return this.#options.quarantine.put(commit, {
      id,
      peer: source.peer,
      storeId: source.storeId,
      table,
      seq: item.seq,
      item: bytes,
      ...doubt,
    });
  }

  /** Rows of a copy that are too far ahead wait as one transaction; false when there is no room. */
  #isolateEarly(
    commit: Commit,
    table: Table,
    source: Source,
    page: CopyPage,
    rows: readonly Change[],
  ): boolean {
    const early = rows.filter(
      ({ version }) => this.#options.clockGuard.dueAtMs(commit, version) !== undefined,
    );
    const [first] = early;
    if (!first) return true;
    const version = early.reduce((most, row) => Math.max(most, row.version), 0);
    const doubt = this.#aheadOfClock(commit, version);
    const item: WholeItem = {
      kind: 'whole',
      seq: page.noted.seq,
      header: {
        id: randomBytes(12).toString('base64url'),
        kind: 'rows',
        origin: first.origin,
        version,
        via: source.storeId,
        operation: undefined,
        user: undefined,
      },
      originPlace: { incarnation: source.incarnation, seq: page.noted.seq },
      parts: [],
      changes: encodeChanges(early),
    };
    return doubt === undefined || this.#isolate(commit, table, source, item, doubt);
  }

  /** Began in this store and this table. What was written into a table that was dropped since is like any other's. */
  #isOwn(table: Table, item: WholeItem | StubItem): boolean {
    return (
      item.header.origin.storeId === this.#options.identity().storeId &&
      item.originPlace.incarnation === table.incarnation
    );
  }

  /** A transaction that names our current store must be in our log, unless the log no longer reaches so far back. */
  #isOurs(table: Table, header: TransactionHeader, place: OriginPlace): boolean {
    const id = this.#options.log.idAt(table.id, place.seq);
    return id === undefined ? place.seq <= this.#options.log.head(table.id).trimmedSeq : id === header.id;
  }
}

/** A transaction in quarantine is known and not held: it may be given up. */
function notHeld({ version }: TransactionHeader): HeldVersions {
  return { after: version, upTo: version };
}

function progressed(copy: CopyProgress, { marks, lastKey, rows, total }: CopyPage): CopyProgress {
  return {
    ...copy,
    afterKey: lastKey ?? copy.afterKey,
    rows: copy.rows + rows.length,
    total,
    ...(marks ? { marks: overtaken(copy.marks, marks), unproven: { id: copy.id, overtaken: marks } } : {}),
  };
}

function newer(changes: readonly Change[], source: Source): readonly Change[] {
  return source.newerThan === 0 ? changes : changes.filter(({ version }) => version > source.newerThan);
}
