import { AttributeReader } from '../model/attribute-reader.ts';
import type { Document, Key } from '../model/change.ts';
import { createdTime, updatedTime, type Table } from '../model/table.ts';
import { decodeDocument, decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import { afterAll, type Environment, type Tree } from './environment.ts';
import { readableBytes, type Row } from './row.ts';

export const quarantineTable = 'hdb_quarantine';

export function isQuarantine({ local, name }: Table): boolean {
  return local && name === quarantineTable;
}

/** What a row of `system.hdb_quarantine` says of its transaction. */
export interface QuarantineFacts {
  /** Name of the peer that sent it, which it cannot choose; '' in rows of older releases. */
  readonly peer: string;
  /** And its store id, as it says. */
  readonly storeId: string;
  readonly database: string;
  readonly tableName: string;
  /** When it applies by itself, ms since 1970. */
  readonly dueAtMs: number | undefined;
}

export function factsOf({ node, store_id, schema, table, due_at }: Document): QuarantineFacts {
  return {
    peer: typeof node === 'string' ? node : '',
    storeId: String(store_id),
    database: String(schema),
    tableName: String(table),
    dueAtMs: typeof due_at === 'number' ? due_at : undefined,
  };
}

/** How much of a peer is in quarantine. */
export interface Held {
  readonly transactions: number;
  /** Of these, how many apply by themselves once their time has come. */
  readonly waiting: number;
  /** Of their rows. */
  readonly bytes: number;
}

const none: Held = { transactions: 0, waiting: 0, bytes: 0 };
const format = 2;
const countedKey = 'counted';

const factNames = ['node', 'store_id', 'schema', 'table', 'due_at'];
const otherNames = ['id', 'reason', 'detail', 'channel_seq', 'quarantined_at', 'item'];

/**
 * How much is in quarantine, of whom and of which table, and what is due when: written in the commits that write the rows
 * of `system.hdb_quarantine`, so that nobody reads transactions to count them.
 */
export class QuarantineTally {
  readonly #environment: Environment;
  /** Of rows that say more the whole document is decoded. */
  readonly #reader = new AttributeReader(
    [...factNames, ...otherNames, createdTime, updatedTime],
    new Set(factNames),
  );

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** By name, whatever stores it has named. */
  ofPeer(peer: string): Held {
    return this.#held(['peer', peer]);
  }

  ofChannel(storeId: string, database: string, tableName: string): Held {
    return this.#held(['held', storeId, database, tableName]);
  }

  /** Whether anything of a table is in quarantine, of whatever peer. */
  holds(table: Pick<Table, 'database' | 'name'>): boolean {
    for (const key of this.#tree.getKeys({ start: ['held'], end: ['held', afterAll] })) {
      const [, , database, tableName] = key as [string, string, string, string];
      if (database === table.database && tableName === table.name) return true;
    }
    return false;
  }

  /** What is due, the earliest first. */
  *due(
    nowMs: number,
  ): Generator<{ readonly id: string; readonly database: string; readonly tableName: string }> {
    for (const { key, value } of this.#tree.getRange({ start: ['due'], end: ['due', afterAll] })) {
      const [, dueAtMs, id] = key as [string, number, string];
      if (dueAtMs > nowMs) return;
      const [database, tableName] = decodeMessage(value) as [string, string];
      yield { id, database, tableName };
    }
  }

  /** Inside a commit: a row was replaced. `version` is the newest of the table. */
  follow(key: Key, before: Row | undefined, after: Row, version: number): void {
    if (before) this.#count(key, before, -1);
    this.#count(key, after, 1);
    this.#tree.putSync(countedKey, counted(version));
  }

  /** Whether all rows are counted, up to that version: builds that do not count write rows as well. */
  isUpTo(version: number): boolean {
    return this.#tree.get(countedKey)?.equals(counted(version)) === true;
  }

  /** Inside a commit: counts all rows anew, one at a time. */
  recount(rows: Iterable<{ readonly key: Key; readonly row: Row }>, version: number): void {
    for (const key of [...this.#tree.getKeys({})]) this.#tree.removeSync(key);
    for (const { key, row } of rows) this.#count(key, row, 1);
    this.#tree.putSync(countedKey, counted(version));
  }

  #count(key: Key, row: Row, sign: 1 | -1): void {
    const readable = readableBytes(row);
    if (!readable) return;
    const facts = factsOf(row.document ?? this.#reader.read(readable) ?? decodeDocument(readable));
    const { peer, storeId, database, tableName, dueAtMs } = facts;
    for (const sum of [
      ['held', storeId, database, tableName],
      ['peer', peer],
    ]) {
      const held = this.#held(sum);
      this.#putHeld(sum, {
        transactions: held.transactions + sign,
        waiting: held.waiting + (dueAtMs === undefined ? 0 : sign),
        bytes: held.bytes + sign * readable.length,
      });
    }
    if (dueAtMs === undefined) return;
    const due = ['due', dueAtMs, key];
    if (sign === 1) this.#tree.putSync(due, encodeMessage([database, tableName]));
    else this.#tree.removeSync(due);
  }

  #held(key: string[]): Held {
    const value = this.#tree.get(key);
    return value ? decodeHeld(value) : none;
  }

  #putHeld(key: string[], { transactions, waiting, bytes }: Held): void {
    if (transactions === 0) this.#tree.removeSync(key);
    else this.#tree.putSync(key, encodeMessage([transactions, waiting, bytes]));
  }

  get #tree(): Tree {
    return this.#environment.trees.quarantine;
  }
}

function decodeHeld(value: Buffer): Held {
  const [transactions, waiting, bytes] = decodeMessage(value) as [number, number, number];
  return { transactions, waiting, bytes };
}

function counted(version: number): Buffer {
  return encodeMessage([format, version]);
}
