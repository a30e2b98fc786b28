import { AttributeReader } from '../model/attribute-reader.ts';
import { maxKeyBytes, type Change, type Document, type Key } from '../model/change.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import { decodeForeignDocument } from '../model/transaction-codec.ts';
import { knownNames } from './catalog.ts';
import { maintainedIndexes } from './index-entry.ts';

/**
 * A change whose bytes have been looked at, as far as this table needs it: not all of them where the table knows every
 * attribute.
 *
 * @throws CodedError `undecodable`
 */
export function openedChange(table: Table, change: Change): Change {
  const { key, version, origin, base, bytes } = change;
  // Under one no reader would ever look.
  if (isTooLong(key))
    throw new CodedError('undecodable', `A key has more than ${maxKeyBytes} bytes, or none`);
  if (!bytes || change.document || change.indexed) return change;
  const indexed = indexedAttributes(table, bytes);
  const document = indexed ? undefined : opened(key, bytes);
  return { key, version, origin, base, bytes, document, indexed };
}

/** Of three bytes a character at most. */
function isTooLong(key: Key): boolean {
  if (typeof key === 'number') return false;
  return key === '' || (key.length > maxKeyBytes / 3 && Buffer.byteLength(key) > maxKeyBytes);
}

function opened(key: Key, bytes: Uint8Array): Document {
  try {
    return decodeForeignDocument(bytes);
  } catch (cause) {
    throw new CodedError('undecodable', `Record ${JSON.stringify(key)}: ${messageOf(cause)}`, { cause });
  }
}

/** Attributes with an index, of a document all of whose attributes the table knows; undefined where it takes decoding to tell. */
export function indexedAttributes(table: Table, bytes: Uint8Array): Document | undefined {
  let reader = readersByTable.get(table);
  if (!reader) {
    const wanted = new Set(maintainedIndexes(table).map(({ name }) => name));
    reader = new AttributeReader(knownNames(table), wanted);
    readersByTable.set(table, reader);
  }
  return reader.read(bytes);
}

const readersByTable = new WeakMap<Table, AttributeReader>();
