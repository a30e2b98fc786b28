import { CodedError } from '../model/errors.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import {
  factsOf,
  quarantineTable,
  type Held,
  type QuarantineFacts,
  type QuarantineTally,
} from './quarantine-tally.ts';
import type { Records } from './records.ts';
import type { Writer } from './writer.ts';

export interface Suspect {
  /** Id of the transaction. */
  readonly id: string;
  /** Name and store id of the peer that sent it. */
  readonly peer: string;
  readonly storeId: string;
  readonly table: Table;
  readonly seq: number;
  readonly reason: 'undecodable' | 'ahead of the clock';
  readonly detail: string;
  /** `encodeItem` of what could not be applied. */
  readonly item: Uint8Array;
  /** When it applies by itself, ms since 1970. */
  readonly dueAtMs: number | undefined;
}

/** A quarantined transaction, as its row of `system.hdb_quarantine` says. */
export interface Quarantined extends QuarantineFacts {
  readonly id: string;
  /** The same for all parts of one transaction, each of another table. */
  readonly transactionId: string;
  readonly item: Uint8Array;
}

export interface QuarantineOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly writer: Writer;
  readonly tally: QuarantineTally;
  /** Transactions of one peer, and bytes; when it is full the channel waits: stopping beats dropping. */
  readonly maxPerPeer: number;
  readonly maxBytesPerPeer: number;
}

/**
 * Transactions of peers that could not be applied: kept, counted, listed, retried or skipped by a person.
 *
 * How much there is and what is due is known without reading them ({@link QuarantineTally}).
 */
export class Quarantine {
  readonly #options: QuarantineOptions;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** Of all peers. */
  get count(): number {
    return this.#options.records.count(this.#table);
  }

  /** Of one table of a peer. */
  held(storeId: string, database: string, tableName: string): Held {
    return this.#options.tally.ofChannel(storeId, database, tableName);
  }

  /** Whether anything of the table is here, of whatever peer. */
  holds(table: Pick<Table, 'database' | 'name'>): boolean {
    return this.#options.tally.holds(table);
  }

  /**
   * Whether so many more of a peer may come. As long as it has not used up its bytes, whatever their size: what is larger
   * than all of them fits where nothing is, and a channel that waits for room need not know what comes next.
   */
  hasRoom(peer: string, count: number): boolean {
    const { tally, maxPerPeer, maxBytesPerPeer } = this.#options;
    const { transactions, bytes } = tally.ofPeer(peer);
    return transactions + count <= maxPerPeer && bytes < maxBytesPerPeer;
  }

  /** Inside a commit, which has found that there is room. */
  put(commit: Commit, suspect: Suspect): void {
    const id = `${suspect.id}-${suspect.table.id}`;
    this.#options.writer.replace(commit, this.#table, id, {
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
  }

  /** All parts of a transaction, by the id of one of them: half of it would be none. @throws CodedError `not_found` */
  partsOf(id: string): readonly Quarantined[] {
    const found = this.get(id);
    if (!found) throw new CodedError('not_found', `There is no quarantined transaction '${id}'`);
    return [found, ...this.#otherParts(found).filter(({ storeId }) => storeId === found.storeId)];
  }

  /** The id of what is due next, of tables that are here. */
  nextDue(nowMs: number): string | undefined {
    for (const { id, ...place } of this.#options.tally.due(nowMs)) if (this.#hasTable(place)) return id;
    return undefined;
  }

  /** All parts of a transaction that are due, of tables that are here, by the id of one of them. */
  dueParts(id: string, nowMs: number): readonly Quarantined[] {
    const found = this.get(id);
    if (!found) return [];
    return [found, ...this.#otherParts(found)].filter(
      (part) => part.dueAtMs !== undefined && part.dueAtMs <= nowMs && this.#hasTable(part),
    );
  }

  get(id: string): Quarantined | undefined {
    const document = this.#options.records.document(this.#table, id);
    if (!document) return undefined;
    const { item } = document;
    return {
      ...factsOf(document),
      id,
      transactionId: transactionIdOf(id),
      item: Buffer.from(String(item), 'base64'),
    };
  }

  /** Inside a commit. */
  remove(commit: Commit, id: string): void {
    this.#options.writer.replace(commit, this.#table, id, null);
  }

  /** Inside a commit: of tables that are dropped. One that is made anew under the same name is another one. */
  removeTables(commit: Commit, tables: readonly Table[]): void {
    if (!tables.some((table) => this.holds(table))) return;
    const dropped = new Set(tables.map(({ id }) => id));
    for (const id of this.#keys()) if (dropped.has(tableIdOf(id))) this.remove(commit, id);
  }

  /** Inside a commit, at the start: counts anew where rows have been written that are not counted. */
  recount(): void {
    const { records, tally } = this.#options;
    const version = records.lastVersion(this.#table);
    if (!tally.isUpTo(version)) tally.recount(records.rows(this.#table), version);
  }

  #otherParts({ id, transactionId }: Quarantined): readonly Quarantined[] {
    return this.#keys(`${transactionId}-`)
      .filter((other) => other !== id && transactionIdOf(other) === transactionId)
      .flatMap((other) => this.get(other) ?? []);
  }

  #keys(beginning?: string): readonly string[] {
    return [...this.#options.records.keys(this.#table, beginning)].map(String);
  }

  #hasTable({ database, tableName }: Pick<QuarantineFacts, 'database' | 'tableName'>): boolean {
    return this.#options.catalog.table(database, tableName) !== undefined;
  }

  get #table(): Table {
    const table = this.#options.catalog.table(systemDatabase, quarantineTable);
    // Rather stop than lose a transaction.
    if (!table) throw new CodedError('table_missing', `Table 'system.${quarantineTable}' does not exist`);
    return table;
  }
}

function transactionIdOf(id: string): string {
  return id.slice(0, id.lastIndexOf('-'));
}

function tableIdOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('-') + 1));
}
