export type IndexState = 'none' | 'building' | 'ready';

export interface Attribute {
  readonly name: string;
  /** Stable within the table, part of every index key, never re-used. */
  readonly number: number;
  readonly index: IndexState;
  /** A dropped attribute is hidden from answers; stored bytes belong to a version and stay. */
  readonly dropped: boolean;
  /** Values in rows of this version or older are from before a drop and stay hidden. */
  readonly hiddenUpTo: number;
  readonly type?: string;
}

/** A table as the catalog knows it; immutable, a new object for each catalog version. */
export interface Table {
  /** Local number, never re-used; the channel's number in this store. */
  readonly id: number;
  readonly database: string;
  readonly name: string;
  readonly primaryKey: string;
  /** Random, drawn when the table is created; part of every cursor and header. */
  readonly incarnation: string;
  readonly attributes: readonly Attribute[];
  /** Declared attributes only: an unknown attribute is refused for local writes, and there are no timestamps. */
  readonly schemaDefined: boolean;
  /** Tables of the `system` database: not logged, not numbered, never offered as a channel. */
  readonly local: boolean;
  /** Later, in the versions of this store, than everything that was written here before, whatever the wall clock said. */
  readonly createdAtMs: number;
}

export const systemDatabase = 'system';
export const createdTime = '__createdtime__';
export const updatedTime = '__updatedtime__';

/** The tables that say who may do what. */
const accessTables: ReadonlySet<string> = new Set(['hdb_user', 'hdb_role']);

/** Whether the rows of a table are users or roles. */
export function isAccessTable({ local, name }: Table): boolean {
  return local && accessTables.has(name);
}
