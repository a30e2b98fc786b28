import type { Change } from '../model/change.ts';
import { messageOf } from '../model/errors.ts';
import { randomId } from '../model/random-id.ts';
import type { Table } from '../model/table.ts';
import { viaOf, type UndecodableItem, type WholeItem } from '../model/transaction.ts';
import { decodeChanges, encodeChanges, encodeItem } from '../model/transaction-codec.ts';
import type { Source } from './applier.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { Commit } from './commit.ts';
import { openedChange } from './opened-change.ts';
import type { Quarantine, Suspect } from './quarantine.ts';

export type Doubt = Pick<Suspect, 'reason' | 'detail' | 'dueAtMs'>;

/** What a transaction changes, and why it may not be applied now; nothing is known of changes that cannot be decoded. */
export interface Judged {
  readonly changes: readonly Change[];
  readonly doubt: Doubt | undefined;
}

export interface IsolationOptions {
  readonly quarantine: Quarantine;
  readonly clockGuard: ClockGuard;
}

/** Judges what a peer sends before it is applied, and puts into quarantine what cannot be applied now. */
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

  /** Keeps what cannot be applied; false when there is no room. */
  isolate(
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

  /** Rows that are not too far ahead of the clock. */
  present(commit: Commit, rows: readonly Change[]): readonly Change[] {
    return rows.filter(({ version }) => this.#options.clockGuard.dueAtMs(commit, version) === undefined);
  }

  /** Those of some rows that are too far ahead wait as one transaction. `seq` is where the channel stands. */
  isolateEarly(
    commit: Commit,
    table: Table,
    source: Source,
    seq: number,
    rows: readonly Change[],
  ): 'none' | 'isolated' | 'full' {
    const early = rows.filter(
      ({ version }) => this.#options.clockGuard.dueAtMs(commit, version) !== undefined,
    );
    const [first] = early;
    const version = early.reduce((most, row) => Math.max(most, row.version), 0);
    const doubt = this.#aheadOfClock(commit, version);
    if (!first || !doubt) return 'none';
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
    return this.isolate(commit, table, source, item, doubt) ? 'isolated' : 'full';
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
