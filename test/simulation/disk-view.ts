import type { Change, Key, Stamp } from '../../src/model/change.ts';
import type { Table } from '../../src/model/table.ts';
import { decodeMessage } from '../../src/model/transaction-codec.ts';
import { Catalog } from '../../src/store/catalog.ts';
import { ChangeLog } from '../../src/store/change-log.ts';
import { readStoreState } from '../../src/store/commit.ts';
import { readIdentity } from '../../src/store/identity.ts';
import { Origins } from '../../src/store/origins.ts';
import { decodeRow, type Row } from '../../src/store/row.ts';
import type { Life } from './life.ts';

/** Reads a node's disk with the code of the store, but not through it. */
export class DiskView {
  readonly catalog: Catalog;
  readonly log: ChangeLog;
  readonly #life: Life;
  readonly #origins: Origins;
  /** As it was last read, and what it says. */
  #identity: { readonly bytes: Buffer; readonly storeId: string } | undefined;

  constructor(life: Life) {
    const { environment } = life;
    this.#life = life;
    this.catalog = new Catalog(environment.trees.catalog, () => readStoreState(environment).catalogVersion);
    environment.onAbort(() => this.catalog.forget());
    this.log = new ChangeLog(environment);
    this.#origins = new Origins(environment);
  }

  get storeId(): string {
    const { environment, name } = this.#life;
    const bytes = environment.trees.meta.get('identity');
    if (!bytes) return '';
    if (this.#identity?.bytes !== bytes)
      this.#identity = { bytes, storeId: readIdentity(environment, name)?.storeId ?? '' };
    return this.#identity.storeId;
  }

  row(tableId: number, key: Key): Row | undefined {
    const value = this.#life.environment.trees.records.get([tableId, key]);
    return value && this.decoded(value);
  }

  decoded(value: Buffer): Row {
    return decodeRow(value, this.#origins);
  }

  rows(table: Table): Change[] {
    const range = { start: [table.id], end: [table.id + 1] };
    return [...this.#life.environment.trees.records.getRange(range)].map(({ key, value }) => ({
      key: (key as [number, Key])[1],
      ...this.decoded(value),
    }));
  }

  cursor(tableId: number, storeId: string): CursorRow | undefined {
    const value = this.#life.environment.trees.cursors.get([tableId, storeId]);
    return value && cursorRow(value);
  }

  table(name: string): Table | undefined {
    return this.catalog.table('d', name);
  }
}

/** A cursor as its row says. */
export interface CursorRow {
  readonly incarnation: string;
  readonly seq: number;
  readonly id: string;
  readonly isCopying: boolean;
  /** Something that it has passed is in quarantine. */
  readonly hasHole: boolean;
  /** It ends a copy that the log has overtaken: a comparison has to bring what it has passed. */
  readonly isOvertaken: boolean;
}

const cursorRows = new WeakMap<Buffer, CursorRow>();

/** Read once for each value: every commit that moves a cursor looks at what it was and at what it is, several times. */
export function cursorRow(value: Buffer): CursorRow {
  let row = cursorRows.get(value);
  if (!row) {
    row = readCursorRow(value);
    cursorRows.set(value, row);
  }
  return row;
}

function readCursorRow(value: Buffer): CursorRow {
  const [incarnation, seq, id, copy, unproven] = decodeMessage(value) as [
    string,
    number,
    string,
    unknown,
    { readonly hole?: boolean; readonly overtaken?: unknown } | undefined,
  ];
  return {
    incarnation,
    seq,
    id,
    isCopying: copy !== null,
    hasHole: unproven?.hole === true,
    isOvertaken: unproven?.overtaken !== undefined,
  };
}

/** A row as a story shows it. */
export function told(key: Key, row: Stamp & { readonly bytes: Uint8Array | null }): string {
  return `${JSON.stringify(key)} @ ${row.version} of ${row.origin.name}/${row.origin.storeId.slice(0, 4)} ${row.bytes ? JSON.stringify(decodeMessage(row.bytes)).slice(0, 120) : 'deleted'}`;
}

/** The bytes of a row, to be compared; null is a tombstone. */
export function contentOf(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString('latin1');
}

/** What was written under a key with a stamp: one content for all nodes. */
export function stampName(table: string, key: Key, stamp: Stamp): string {
  return `${table} ${JSON.stringify(key)} ${stamp.version} ${stamp.origin.storeId}`;
}
