import type { Key as LmdbKey } from 'lmdb';
import type { Document, Key } from '../model/change.ts';
import type { Attribute, Table } from '../model/table.ts';
import { indexEntriesOf } from './search/index-value.ts';
import type { IndexValue } from './search/search-source.ts';

/** Key of the index tree; its value is empty. */
export type IndexKey = [tableId: number, attributeNumber: number, value: IndexValue, key: Key];

/** lmdb's types leave out null, which its key encoding orders before everything else. */
export function lmdbKey(entry: readonly unknown[]): LmdbKey {
  return entry as unknown as LmdbKey;
}

/** Attributes whose index every write maintains: complete ones and those being built. */
export function maintainedIndexes(table: Table): readonly Attribute[] {
  return table.attributes.filter(({ index, dropped }) => index !== 'none' && !dropped);
}

export function indexKeys(
  table: Table,
  attributes: readonly Attribute[],
  key: Key,
  document: Document,
): IndexKey[] {
  return attributes.flatMap(({ name, number }) =>
    Object.hasOwn(document, name)
      ? indexEntriesOf(document[name]).map((value): IndexKey => [table.id, number, value, key])
      : [],
  );
}
