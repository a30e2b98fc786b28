import type { Change } from '../model/change.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import { randomId } from '../model/random-id.ts';
import type { Table } from '../model/table.ts';
import { viaOf, type UndecodableItem, type WholeItem } from '../model/transaction.ts';
import { decodeChanges, decodeItem, encodeChanges, encodeItem } from '../model/transaction-codec.ts';
import type { Catalog } from './catalog.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { Commit } from './commit.ts';
import type { Cursors } from './cursors.ts';
import type { Merger } from './merger.ts';
import type { Nodes } from './nodes.ts';
import { openedChange } from './opened-change.ts';
import type { Quarantine, Quarantined, Suspect } from './quarantine.ts';
import { newer, type Source } from './source.ts';

export type Doubt = Pick<Suspect, 'reason' | 'detail' | 'dueAtMs'>;

/** What a transaction changes, and why it may not be applied now; nothing is known of changes that cannot be decoded. */
export interface Judged {
  readonly changes: readonly Change[];
  readonly doubt: Doubt | undefined;
}

export interface JudgedRows {
  readonly present: readonly Change[];
  /** Too far ahead of the clock. */
  readonly early: readonly Change[];
}

export interface IsolationOptions {
  readonly catalog: Catalog;
  readonly cursors: Cursors;
  readonly merger: Merger;
  readonly nodes: Nodes;
  readonly quarantine: Quarantine;
  readonly clockGuard: ClockGuard;
}

/**
 * The way into quarantine and out of it: judges what a peer sends before it is applied, puts aside what cannot be
 * applied now, and applies it after all. Inside a commit.
 */
export class Isolation {
  readonly #options: IsolationOptions;

  constructor(options: IsolationOptions) {
    this.#options = options;
  }

  /** Opens everything, so that what has no doubt can be applied. */
  judge(commit: Commit, table: Table, item: WholeItem | UndecodableItem): Judged {
    if (item.kind === 'undecodable') return undecodable(item.detail);
    let changes: readonly Change[];
    try {
      changes = decodeChanges(item.changes).map((change) => openedChange(table, change));
    } catch (error) {
      return undecodable(messageOf(error));
    }
    let highest = item.header.version;
    for (const { version } of changes) if (version > highest) highest = version;
    return { changes, doubt: this.#aheadOfClock(commit, highest) };
  }

  /** Keeps what cannot be applied, where there is room for it. */
  isolate(
    commit: Commit,
    table: Table,
    source: Source,
    item: WholeItem | UndecodableItem,
    doubt: Doubt,
  ): void {
    const bytes = item.kind === 'undecodable' ? item.bytes : encodeItem(item);
    const id = item.kind === 'undecodable' ? item.id : item.header.id;
    this.#options.quarantine.put(commit, {
      id,
      peer: source.peer,
      storeId: source.storeId,
      table,
      seq: item.seq,
      item: bytes,
      ...doubt,
    });
  }

  /** Tells rows that are too far ahead of the clock from those that may be merged. */
  judgeRows(commit: Commit, rows: readonly Change[]): JudgedRows {
    const present: Change[] = [];
    const early: Change[] = [];
    for (const row of rows) {
      const dueAtMs = this.#options.clockGuard.dueAtMs(commit, row.version);
      (dueAtMs === undefined ? present : early).push(row);
    }
    return { present, early };
  }

  /** Keeps early rows as one transaction; false when there is no room. `seq` is where the channel stands. */
  isolateRows(commit: Commit, table: Table, source: Source, seq: number, early: readonly Change[]): boolean {
    const [first] = early;
    const version = early.reduce((most, row) => Math.max(most, row.version), 0);
    const doubt = this.#aheadOfClock(commit, version);
    if (!first || !doubt) return true;
    if (!this.#options.quarantine.hasRoom(source.peer, 1)) return false;
    const item: WholeItem = {
      kind: 'whole',
      seq,
      header: {
        id: randomId(),
        kind: 'rows',
        origin: first.origin,
        version,
        via: viaOf(source.storeId, source.incarnation),
        operation: undefined,
        user: undefined,
      },
      originPlace: { incarnation: source.incarnation, seq },
      parts: [],
      changes: encodeChanges(early),
    };
    this.isolate(commit, table, source, item, doubt);
    return true;
  }

  /**
   * Applies all parts of a transaction because somebody asks for it.
   *
   * @throws CodedError `undecodable` when it still cannot be read; `invalid_request` while it is ahead of the clock: it
   * would take the clock of this node along
   */
  retry(commit: Commit, parts: readonly Quarantined[]): 'applied' | 'no-table' {
    this.#refuseEarly(commit, parts);
    const { catalog } = this.#options;
    if (parts.some(({ database, tableName }) => !catalog.table(database, tableName))) return 'no-table';
    for (const part of parts) this.release(commit, part);
    return 'applied';
  }

  /**
   * Gives all parts of a transaction up because somebody asks for it.
   *
   * @throws CodedError `invalid_request` while it is ahead of the clock and still at its sender: the comparison that
   * follows would put its rows here again, those of each table by themselves, and take the transaction apart
   */
  skip(commit: Commit, parts: readonly Quarantined[]): void {
    const { nodes, quarantine } = this.#options;
    const mayCome = parts.some(({ peer, database, tableName: name }) =>
      nodes.isFollowed(peer, { database, name }),
    );
    const waiting = parts.filter(({ dueAtMs }) => dueAtMs !== undefined);
    if (mayCome)
      this.#refuseEarly(commit, waiting, ', and what is skipped before comes again by a comparison');
    for (const { id } of parts) quarantine.remove(commit, id);
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

  /** @throws CodedError `invalid_request` with the time at which they apply by themselves; `undecodable` */
  #refuseEarly(commit: Commit, parts: readonly Quarantined[], consequence = ''): void {
    for (const { item } of parts) {
      const decoded = decodeItem(item);
      const doubt = decoded.kind === 'whole' ? this.#aheadOfClock(commit, decoded.header.version) : undefined;
      if (doubt?.dueAtMs === undefined) continue;
      const due = new Date(doubt.dueAtMs).toISOString();
      throw new CodedError(
        'invalid_request',
        `${doubt.detail}: it applies by itself at ${due}${consequence}`,
      );
    }
  }

  #aheadOfClock(commit: Commit, version: number): Doubt | undefined {
    const dueAtMs = this.#options.clockGuard.dueAtMs(commit, version);
    if (dueAtMs === undefined) return undefined;
    const detail = `Its version is of ${new Date(version / 1000).toISOString()}, this node's clock says ${new Date(commit.nowMs).toISOString()}`;
    return { reason: 'ahead of the clock', detail, dueAtMs };
  }
}

function undecodable(detail: string): Judged {
  return { changes: [], doubt: { reason: 'undecodable', detail, dueAtMs: undefined } };
}
