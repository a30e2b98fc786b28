import type { ChannelResponse } from '../../src/channel/protocol.ts';
import type { Change, Key } from '../../src/model/change.ts';
import { compareStamps } from '../../src/model/conflict.ts';
import type { Table } from '../../src/model/table.ts';
import { decodeChanges } from '../../src/model/transaction-codec.ts';
import type { LogEntry } from '../../src/store/change-log.ts';
import { quarantineTable } from '../../src/store/quarantine-tally.ts';
import type { Row } from '../../src/store/row.ts';
import { cursorRow, stampName, told, type CursorRow, type DiskView } from './disk-view.ts';
import type { Life } from './life.ts';
import type { TreeWrite } from './memory-environment.ts';
import type { LoggedPart } from './together.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

export interface OrderOptions {
  readonly world: World;
  /** By store id and incarnation, then by number. */
  readonly histories: ReadonlyMap<string, ReadonlyMap<number, readonly LoggedPart[]>>;
  readonly isForked: (storeId: string) => boolean;
  /** Whether a node may lack a change of a transaction that it has had. */
  readonly mayLack: (life: Life, table: Table, change: Change) => boolean;
}

/** Something of a transaction that a commit made visible. */
export interface SeenRow {
  readonly table: Table;
  readonly key: Key;
  readonly row: Row;
}

/** What one commit has shown of the transactions that began in one channel of one store. */
interface Seen {
  readonly table: Table;
  readonly storeId: string;
  readonly incarnation: string;
  /** Highest of their numbers there. */
  seq: number;
  /** The one that has it. */
  what: string;
}

/**
 * Checks that transactions which began in one channel become visible in its order: what a commit shows of one, a row or
 * its number in the log, comes after everything that its origin committed there before.
 *
 * Rows alone may come earlier with a copy or a comparison, out of quarantine, behind a gap that a comparison has to close,
 * and in a transaction of somebody who got them so.
 */
export class Order {
  readonly #options: OrderOptions;
  /** Where each write began, by table, store id and version. */
  readonly #places = new Map<string, { readonly incarnation: string; readonly seq: number }>();
  /** By node, then by number of the table, store id and incarnation: up to where all is known to be here. */
  readonly #complete = new Map<string, Map<string, number>>();
  /** What comparisons have brought, by node and stamp. */
  readonly #compared = new Set<string>();
  /** Nodes and stores between which rows of a comparison went in parts. */
  readonly #inParts = new Set<string>();

  constructor(options: OrderOptions) {
    this.#options = options;
  }

  /** A write was committed where it begins. */
  began(table: Table, storeId: string, version: number, seq: number): void {
    this.#places.set(`${table.name} ${storeId} ${version}`, { incarnation: table.incarnation, seq });
  }

  /** A comparison brings rows to `peer`, perhaps: the answer may be lost. */
  compared(peer: string, table: Table, response: ChannelResponse): void {
    if (response.kind !== 'rows' || response.rows.length === 0) return;
    // Of one of several parts nothing can be read.
    if (response.part) this.#inParts.add(`${peer} ${table.name}`);
    else
      for (const change of decodeChanges(response.rows))
        this.#compared.add(`${peer} ${stampName(table.name, change.key, change)}`);
  }

  /** The disk of a node got other contents. */
  replaced(node: string): void {
    this.#complete.delete(node);
  }

  /** Invariant 4. `entries` and `rows` are what the commit logged, and what it wrote. */
  check(
    life: Life,
    view: DiskView,
    writes: readonly TreeWrite[],
    entries: readonly LogEntry[],
    rows: readonly SeenRow[],
  ): void {
    const { storeId } = view;
    const all = new Map<string, Seen>();
    for (const { header, parts } of entries) {
      if (header.origin.storeId === storeId) continue;
      for (const { tableId, originPlace } of parts) {
        const table = view.catalog.tableById(tableId);
        if (table) see(all, { table, storeId: header.origin.storeId, ...originPlace, what: header.id });
      }
    }
    let unordered: ReadonlySet<string> | undefined;
    for (const { table, key, row } of rows) {
      const { origin, version } = row;
      if (origin.storeId === storeId) continue;
      const place = this.#places.get(`${table.name} ${origin.storeId} ${version}`);
      if (!place) continue;
      unordered ??= this.#unordered(life, view, writes, entries);
      if (unordered.has(keyName(table.id, key))) continue;
      see(all, { table, storeId: origin.storeId, ...place, what: told(key, row) });
    }
    for (const seen of all.values()) this.#checkBefore(life, view, seen);
  }

  /** Keys of the rows that need not come in the order of their origins. */
  #unordered(
    life: Life,
    view: DiskView,
    writes: readonly TreeWrite[],
    entries: readonly LogEntry[],
  ): ReadonlySet<string> {
    const keys = new Set<string>();
    const quarantine = view.catalog.table('system', quarantineTable)?.id;
    const isRelease = writes.some(
      ({ tree, key }) => tree === 'records' && (key as [number])[0] === quarantine,
    );
    const moved = writes.flatMap((write) => movedOf(write) ?? []);
    // In its channel a peer sends rows as they came to it, and under a start time they are logged here as rows, too.
    for (const { tableId, storeId, old, now } of moved)
      for (let seq = old.seq + 1; seq <= now.seq; seq += 1)
        for (const part of this.#options.histories.get(`${storeId} ${now.incarnation}`)?.get(seq) ?? [])
          if (part.header.kind === 'rows')
            for (const { key } of part.changes) keys.add(keyName(tableId, key));
    for (const { header, parts } of entries) {
      if (header.kind !== 'rows') continue;
      const isOwn = header.origin.storeId === view.storeId;
      for (const { tableId, changes } of parts) {
        const table = view.catalog.tableById(tableId);
        if (!table) continue;
        const areAll =
          !isOwn || isRelease || moved.some((one) => one.tableId === tableId && isCopyOrBehindGap(one));
        for (const change of decodeChanges(changes))
          if (areAll || this.#isCompared(life.name, table.name, change))
            keys.add(keyName(tableId, change.key));
      }
    }
    return keys;
  }

  #isCompared(node: string, table: string, change: Change): boolean {
    return (
      this.#compared.has(`${node} ${stampName(table, change.key, change)}`) ||
      this.#inParts.has(`${node} ${table}`)
    );
  }

  #checkBefore(life: Life, view: DiskView, { table, storeId, incarnation, seq, what }: Seen): void {
    const { world, histories, isForked, mayLack } = this.#options;
    const history = histories.get(`${storeId} ${incarnation}`);
    if (!history || isForked(storeId)) return;
    const complete = this.#complete.get(life.name) ?? new Map<string, number>();
    this.#complete.set(life.name, complete);
    const name = `${table.id} ${storeId} ${incarnation}`;
    const from = complete.get(name) ?? 0;
    if (from >= seq - 1) return;
    complete.set(name, seq - 1);
    for (let before = from + 1; before < seq; before += 1) {
      const [entry, other] = history.get(before) ?? [];
      if (!entry || other || entry.header.origin.storeId !== storeId) continue;
      for (const change of entry.changes) {
        const row = view.row(table.id, change.key);
        if ((row && compareStamps(row, change) >= 0) || mayLack(life, table, change)) continue;
        world.violate(
          new Violation(
            4,
            `${life.name} shows number ${seq} of ${entry.header.origin.name} in ${table.name} before number ${before}`,
            [
              `shown ${what}`,
              `lacks ${told(change.key, change)}`,
              `has   ${row ? told(change.key, row) : 'nothing'}`,
            ],
          ),
        );
        return;
      }
    }
  }
}

function see(all: Map<string, Seen>, seen: Seen): void {
  const name = `${seen.table.id} ${seen.storeId} ${seen.incarnation}`;
  const known = all.get(name);
  if (!known) all.set(name, seen);
  else if (seen.seq > known.seq) Object.assign(known, seen);
}

function keyName(tableId: number, key: Key): string {
  return `${tableId} ${JSON.stringify(key)}`;
}

/** A cursor that a commit has written. */
interface Moved {
  readonly tableId: number;
  readonly storeId: string;
  readonly old: CursorRow;
  readonly now: CursorRow;
}

function movedOf({ tree, key, before, after }: TreeWrite): Moved | undefined {
  if (tree !== 'cursors' || !before || !after) return undefined;
  const [tableId, storeId] = key as [number, string];
  return { tableId, storeId, old: cursorRow(before), now: cursorRow(after) };
}

/** The commit belongs to a copy, or takes a channel on behind something that is missing. */
function isCopyOrBehindGap({ old, now }: Moved): boolean {
  return old.isCopying || old.hasHole || old.isOvertaken || now.hasHole;
}
