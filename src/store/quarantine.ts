import { CodedError } from '../model/errors.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import type { Records } from './records.ts';
import type { Writer } from './writer.ts';

export const quarantineTable = 'hdb_quarantine';

export interface Suspect {
  /** Id of the transaction. */
  readonly id: string;
  /** Name and store id of the peer that sent it. */
  readonly peer: string;
  readonly storeId: string;
  readonly table: Table;
  readonly seq: number;
  readonly reason: 'undecodable' | 'illegal' | 'ahead of the clock';
  readonly detail: string;
  /** `encodeItem` of what could not be applied. */
  readonly item: Uint8Array;
  /** When it applies by itself, ms since 1970. */
  readonly dueAtMs: number | undefined;
}

/** A quarantined transaction, as its row of `system.hdb_quarantine` says. */
export interface Quarantined {
  readonly id: string;
  /** The same for all parts of one transaction, each of another table. */
  readonly transactionId: string;
  readonly database: string;
  readonly tableName: string;
  readonly peer: string;
  readonly storeId: string;
  readonly item: Uint8Array;
  readonly dueAtMs: number | undefined;
}

export interface QuarantineOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly writer: Writer;
  /** Of one peer; when it is full the channel waits: stopping beats dropping. */
  readonly maxPerPeer: number;
}

/** Transactions of peers that could not be applied: kept, counted, listed, retried or skipped by a person. */
export class Quarantine {
  readonly #options: QuarantineOptions;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** Whether so many more of a peer may come. */
  hasRoom(storeId: string, count: number): boolean {
    const { maxPerPeer } = this.#options;
    return this.all().filter((one) => one.storeId === storeId).length + count <= maxPerPeer;
  }

  /** Inside a commit: false when there is no room for another one of this peer. */
  put(commit: Commit, suspect: Suspect): boolean {
    const { writer } = this.#options;
    const rows = this.#table();
    if (!rows) return false;
    if (!this.hasRoom(suspect.storeId, 1)) return false;
    const id = `${suspect.id}-${suspect.table.id}`;
    writer.replace(commit, rows, id, {
      id,
      reason: suspect.reason,
      detail: suspect.detail,
      schema: suspect.table.database,
      table: suspect.table.name,
      node: suspect.peer,
      store_id: suspect.storeId,
      channel_seq: suspect.seq,
      quarantined_at: commit.nowMs,
      item: Buffer.from(suspect.item).toString('base64'),
      ...(suspect.dueAtMs === undefined ? {} : { due_at: suspect.dueAtMs }),
    });
    return true;
  }

  all(): readonly Quarantined[] {
    const rows = this.#table();
    if (!rows) return [];
    return [...this.#options.records.rows(rows)].flatMap(({ key, row }) => {
      const found = row.bytes ? this.get(String(key)) : undefined;
      return found ? [found] : [];
    });
  }

  /** Of one table of a peer. */
  of(storeId: string, database: string, tableName: string): readonly Quarantined[] {
    return this.all().filter(
      (one) => one.storeId === storeId && one.database === database && one.tableName === tableName,
    );
  }

  /** All parts of a transaction, by the id of one of them: half of it would be none. @throws CodedError `not_found` */
  partsOf(id: string): readonly Quarantined[] {
    const found = this.get(id);
    if (!found) throw new CodedError('not_found', `There is no quarantined transaction '${id}'`);
    const { transactionId, storeId } = found;
    return this.all().filter((one) => one.transactionId === transactionId && one.storeId === storeId);
  }

  get(id: string): Quarantined | undefined {
    const rows = this.#table();
    const document = rows && this.#options.records.document(rows, id);
    if (!document) return undefined;
    const { schema, table, node, store_id: storeId, item, due_at: dueAt } = document;
    return {
      id,
      transactionId: id.slice(0, id.lastIndexOf('-')),
      database: String(schema),
      tableName: String(table),
      // Older rows do not name the peer.
      peer: typeof node === 'string' ? node : '',
      storeId: String(storeId),
      // Looked through far more often than applied.
      get item() {
        return Buffer.from(String(item), 'base64');
      },
      dueAtMs: typeof dueAt === 'number' ? dueAt : undefined,
    };
  }

  /** Inside a commit. */
  remove(commit: Commit, id: string): void {
    const rows = this.#table();
    if (rows) this.#options.writer.replace(commit, rows, id, null);
  }

  /** Inside a commit: of a table that is dropped. One that is made anew under its name is another one. */
  removeTable(commit: Commit, { database, name }: Table): void {
    for (const one of this.all())
      if (one.database === database && one.tableName === name) this.remove(commit, one.id);
  }

  #table(): Table | undefined {
    return this.#options.catalog.table(systemDatabase, quarantineTable);
  }
}
