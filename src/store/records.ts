import { maxKeyBytes, type Document, type Key } from '../model/change.ts';
import { isAccessTable, type Attribute, type Table } from '../model/table.ts';
import { decodeDocument, encodeDocument } from '../model/transaction-codec.ts';
import { readTableState, type Commit } from './commit.ts';
import { afterAll, type Environment, type Tree, type TreeRange } from './environment.ts';
import { indexKey, indexValues, maintainedIndexes } from './index-entry.ts';
import type { LongReads } from './long-reads.ts';
import type { Origins } from './origins.ts';
import { indexedAttributes } from './opened-change.ts';
import { isQuarantine, type QuarantineTally } from './quarantine-tally.ts';
import { decodeRow, encodeRow, isTombstone, readableBytes, type Row } from './row.ts';
import type { Tombstones } from './tombstones.ts';

export interface RecordsOptions {
  readonly environment: Environment;
  readonly origins: Origins;
  readonly tombstones: Tombstones;
  readonly quarantined: QuarantineTally;
  readonly longReads: LongReads;
}

/** Rows of every table and their index entries. */
export class Records {
  readonly #environment: Environment;
  readonly #origins: Origins;
  readonly #tombstones: Tombstones;
  readonly #quarantined: QuarantineTally;
  readonly #longReads: LongReads;

  constructor({ environment, origins, tombstones, quarantined, longReads }: RecordsOptions) {
    this.#environment = environment;
    this.#origins = origins;
    this.#tombstones = tombstones;
    this.#quarantined = quarantined;
    this.#longReads = longReads;
  }

  /** The row, tombstones too; none under what is too long for a key. */
  row(table: Table, key: Key): Row | undefined {
    if (typeof key === 'string' && key.length > maxKeyBytes) return undefined;
    const value = this.#environment.trees.records.get([table.id, withoutSign(key)]);
    return value ? decodeRow(value, this.#origins) : undefined;
  }

  /** Records that reads show. */
  count(table: Table): number {
    return readTableState(this.#environment, table.id).records;
  }

  /** What they take, without keys. */
  bytes(table: Table): number {
    return readTableState(this.#environment, table.id).bytes;
  }

  /** The highest version of its rows, also of those that are gone. */
  lastVersion(table: Table): number {
    return readTableState(this.#environment, table.id).lastVersion;
  }

  document(table: Table, key: Key): Document | undefined {
    const row = this.row(table, key);
    return row && visibleDocument(table, row);
  }

  /** Keys of all rows of a table, or of those that begin with a text, also of rows that cannot be decoded. */
  *keys(table: Table, beginning = ''): Generator<Key> {
    const start = beginning === '' ? [table.id] : [table.id, beginning];
    for (const key of this.#environment.trees.records.getKeys({ start, end: [table.id + 1] })) {
      const [, primaryKey] = key as [number, Key];
      if (beginning !== '' && !String(primaryKey).startsWith(beginning)) return;
      yield primaryKey;
    }
  }

  /** Rows in key order, numbers before strings, tombstones too. Their reader may take its time, see {@link LongReads}. */
  rows(
    table: Table,
    options: { readonly after?: Key; readonly reverse?: boolean } = {},
  ): Iterable<{ readonly key: Key; readonly row: Row }> {
    const first = options.after === undefined ? [table.id] : [table.id, withoutSign(options.after)];
    const bounds = options.reverse
      ? { start: [table.id + 1], end: first, reverse: true }
      : { start: first, end: [table.id + 1], exclusiveStart: options.after !== undefined };
    return this.#longReads.entries(this.#environment.trees.records, bounds, ({ key, value }) => {
      const primaryKey = (key as [number, Key])[1];
      if (primaryKey === options.after) return undefined;
      return { key: primaryKey, row: decodeRow(value, this.#origins) };
    });
  }

  /** Rows after one key (or from the beginning), up to and with another (or to the end), tombstones too. */
  *rowsWithin(
    table: Table,
    range: { readonly after: Key | null; readonly upTo: Key | null },
  ): Generator<{ key: Key; row: Row }> {
    const bounds = {
      start: range.after === null ? [table.id] : [table.id, range.after],
      end: range.upTo === null ? [table.id + 1] : [table.id, range.upTo, afterAll],
    };
    for (const { key, value } of this.#environment.trees.records.getRange(bounds)) {
      const primaryKey = (key as [number, Key])[1];
      if (primaryKey !== range.after) yield { key: primaryKey, row: decodeRow(value, this.#origins) };
    }
  }

  /** Inside a commit: replaces a row and keeps counters and indexes with it. */
  put(commit: Commit, table: Table, signedKey: Key, before: Row | undefined, after: Row): void {
    const { records } = this.#environment.trees;
    const key = withoutSign(signedKey);
    // Of rows of local tables nobody else ever hears, so nothing has to be remembered of them.
    if (table.local && !readableBytes(after)) records.removeSync([table.id, key]);
    else records.putSync([table.id, key], encodeRow(after, this.#origins));
    this.#follow(commit, table, key, before, after);
  }

  /** Inside a commit: {@link put} where there is no row, not even a tombstone; false, and nothing is changed, where there is one. */
  add(commit: Commit, table: Table, signedKey: Key, row: Row): boolean {
    const key = withoutSign(signedKey);
    if (!this.#environment.trees.records.addSync([table.id, key], encodeRow(row, this.#origins)))
      return false;
    this.#follow(commit, table, key, undefined, row);
    return true;
  }

  /** Inside a commit: drops a tombstone, as if nothing had ever been under its key. */
  forget(commit: Commit, table: Table, key: Key): void {
    this.#environment.trees.records.removeSync([table.id, key]);
    commit.table(table.id).tombstones -= 1;
  }

  /** Inside a commit: takes a record away that cannot be decoded. */
  discard(commit: Commit, table: Table, key: Key): void {
    this.#environment.trees.records.removeSync([table.id, key]);
    commit.table(table.id).records -= 1;
  }

  /** Inside a commit: entries of an index that is being built, for a row that is already there. */
  index(table: Table, attribute: Attribute, key: Key, row: Row): void {
    const document = indexedDocument(table, row);
    for (const value of indexValues(attribute, document))
      this.#environment.trees.indexes.putSync(indexKey(table, attribute, value, key), empty);
  }

  /** Inside a commit: removes up to `limit` entries of a dropped table, rows, indexes, tombstones; false when none are left. */
  reclaim(tableId: number, limit: number): boolean {
    const { records, indexes, tombstones } = this.#environment.trees;
    return [records, indexes, tombstones].some((tree) =>
      removeSome(tree, { start: [tableId], end: [tableId + 1], limit }),
    );
  }

  /** Inside a commit: removes up to `limit` entries of the index of a dropped attribute; false when none are left. */
  reclaimIndex(tableId: number, attributeNumber: number, limit: number): boolean {
    const { indexes } = this.#environment.trees;
    return removeSome(indexes, {
      start: [tableId, attributeNumber],
      end: [tableId, attributeNumber + 1],
      limit,
    });
  }

  /** Counters, the queue of tombstones and indexes after a row was replaced. */
  #follow(commit: Commit, table: Table, key: Key, before: Row | undefined, after: Row): void {
    const state = commit.table(table.id);
    const old = before && readableBytes(before);
    const readable = readableBytes(after);
    state.records += (readable ? 1 : 0) - (old ? 1 : 0);
    if (!table.local || readable) {
      state.tombstones += (isTombstone(after) ? 1 : 0) - (before && isTombstone(before) ? 1 : 0);
      if (!after.bytes) this.#tombstones.add(commit, table, key, after.version);
    }
    state.bytes += (readable?.length ?? 0) - (old?.length ?? 0);
    if (after.version > state.lastVersion) state.lastVersion = after.version;
    if (maintainedIndexes(table).length > 0) this.#reindex(table, key, before, after);
    if (isQuarantine(table)) this.#quarantined.follow(key, before, after, state.lastVersion);
    // Whoever keeps what a user may do looks again.
    if (isAccessTable(table)) commit.touchCatalog();
  }

  #reindex(table: Table, key: Key, before: Row | undefined, after: Row): void {
    const { indexes } = this.#environment.trees;
    const old = before && indexedDocument(table, before);
    const document = indexedDocument(table, after);
    for (const attribute of maintainedIndexes(table)) {
      const oldValues = old && new Set(indexValues(attribute, old));
      for (const value of indexValues(attribute, document))
        if (!oldValues?.delete(value)) indexes.putSync(indexKey(table, attribute, value, key), empty);
      for (const value of oldValues ?? []) indexes.removeSync(indexKey(table, attribute, value, key));
    }
  }
}

const empty = Buffer.alloc(0);

function removeSome(tree: Tree, range: TreeRange): boolean {
  const keys = [...tree.getKeys(range)];
  for (const key of keys) tree.removeSync(key);
  return keys.length > 0;
}

/** The document of a row without what a drop_attribute hid; undefined for a tombstone that retains nothing. */
export function visibleDocument(table: Table, row: Row): Document | undefined {
  const readable = readableBytes(row);
  return readable ? withoutHidden(table, row, row.document ?? decodeDocument(readable)) : undefined;
}

/** -0 is the number 0 for whoever sends or compares it, and another key for LMDB. */
function withoutSign(key: Key): Key {
  return key === 0 ? 0 : key;
}

/** At least the attributes with an index, of what {@link visibleDocument} shows. */
function indexedDocument(table: Table, row: Row): Document | undefined {
  const readable = readableBytes(row);
  if (!readable) return undefined;
  const document =
    row.indexed ?? row.document ?? indexedAttributes(table, readable) ?? decodeDocument(readable);
  return withoutHidden(table, row, document);
}

/** A document of that version without what a drop_attribute hid since. */
export function withoutHidden(table: Table, written: Pick<Row, 'version'>, document: Document): Document {
  const hidden = hiddenIn(table, written);
  if (hidden.length === 0) return document;
  const names = new Set(hidden.map(({ name }) => name));
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.has(name)));
}

/** The bytes of {@link visibleDocument}: under a later version nothing would hide the rest. */
export function visibleBytes(table: Table, row: Row): Uint8Array | null {
  if (hiddenIn(table, row).length === 0) return readableBytes(row);
  const document = visibleDocument(table, row);
  return document ? encodeDocument(document) : null;
}

function hiddenIn(table: Table, { version }: Pick<Row, 'version'>): readonly Attribute[] {
  return hiddenAttributes(table).filter(({ hiddenUpTo }) => version <= hiddenUpTo);
}

const hiddenByTable = new WeakMap<Table, readonly Attribute[]>();

function hiddenAttributes(table: Table): readonly Attribute[] {
  let hidden = hiddenByTable.get(table);
  if (!hidden) {
    hidden = table.attributes.filter(({ hiddenUpTo }) => hiddenUpTo > 0);
    hiddenByTable.set(table, hidden);
  }
  return hidden;
}
