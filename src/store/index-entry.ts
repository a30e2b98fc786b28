import type { Key as LmdbKey } from 'lmdb';
import { hasReservedCharacters, type Document, type Key } from '../model/change.ts';
import type { Attribute, Table } from '../model/table.ts';
import { indexEntriesOf } from './search/index-value.ts';
import type { IndexValue } from './search/search-source.ts';

/** Key of the index tree; its value is empty. */
export type IndexKey = [tableId: number, attributeNumber: number, value: IndexValue, key: Key];

/** lmdb's types leave out null, which its key encoding orders before everything else. */
export function lmdbKey(entry: readonly unknown[]): LmdbKey {
  return entry as unknown as LmdbKey;
}

/** From this length on the key encoding leaves out the escapes without which its order is not that of the texts. */
const rawUnits = 64;

/**
 * A value as it stands in a key of the index tree, or bounds a range of it. Control characters that mean something to
 * the key encoding are written as it writes them in shorter texts; it reads both the same.
 */
export function entryValue(value: IndexValue): IndexValue {
  if (typeof value !== 'string' || value.length < rawUnits || !hasReservedCharacters(value)) return value;
  let text = '';
  for (const character of value) text += character < '\u0005' ? `\u0004${character}` : character;
  return text;
}

const maintainedByTable = new WeakMap<Table, readonly Attribute[]>();

/** Attributes whose index every write maintains: complete ones and those being built. Made once for each definition. */
export function maintainedIndexes(table: Table): readonly Attribute[] {
  let maintained = maintainedByTable.get(table);
  if (!maintained) {
    maintained = table.attributes.filter(({ index, dropped }) => index !== 'none' && !dropped);
    maintainedByTable.set(table, maintained);
  }
  return maintained;
}

/** What the index of an attribute holds for a document, each value once; nothing where there is no document. */
export function indexValues({ name }: Attribute, document: Document | undefined): readonly IndexValue[] {
  return document && Object.hasOwn(document, name) ? indexEntriesOf(document[name]) : [];
}

export function indexKey(table: Table, attribute: Attribute, value: IndexValue, key: Key): LmdbKey {
  return lmdbKey([table.id, attribute.number, entryValue(value), key] satisfies IndexKey);
}
