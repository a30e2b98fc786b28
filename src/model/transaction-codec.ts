import { Packr } from 'msgpackr';
import { hasReservedCharacters, type Change, type Document, type Key, type Origin } from './change.ts';
import { CodedError, messageOf } from './errors.ts';
import { packed } from './packed.ts';
import { isWholeValue } from './message-pack.ts';
import { isNodeName } from './names.ts';
import { isId } from './random-id.ts';
import type {
  ChannelItem,
  OriginPlace,
  TransactionHeader,
  WholeItem,
  WriteOperation,
  PieceItem,
  UndecodableItem,
} from './transaction.ts';

/** Version of the formats in this file; golden-file tests hold every one that was ever released. */
export const wireFormat = 1;

// Plain MessagePack: no records or shared structures, so that any node and any tool can read the bytes.
const packr = new Packr({ useRecords: false, moreTypes: false, mapsAsObjects: true, variableMapSize: true });

export function encodeDocument(document: Document): Uint8Array {
  return packed(packr, document);
}

/**
 * Of a record that another node sent: no client of its could have written what JSON has no counterpart of, and no
 * answer could tell it.
 *
 * @throws CodedError `undecodable`
 */
export function decodeForeignDocument(bytes: Uint8Array): Document {
  if (!isWholeValue(bytes, 'document'))
    throw new CodedError('undecodable', 'Record bytes are not MessagePack of what JSON can say');
  return decodeDocument(bytes);
}

/** Of a record that this store has taken: nothing is looked at but the bytes. @throws CodedError `undecodable` */
export function decodeDocument(bytes: Uint8Array): Document {
  const document: unknown = unpack(bytes);
  if (!isDocument(document)) throw new CodedError('undecodable', 'Record bytes are not a MessagePack map');
  return document;
}

export function encodeMessage(message: unknown): Buffer {
  return packr.pack(message);
}

/** @throws CodedError `undecodable` */
export function decodeMessage(bytes: Uint8Array): unknown {
  if (!isWholeValue(bytes, 'message')) throw new CodedError('undecodable', notValid);
  return unpack(bytes);
}

/** Changes of one table as one block: origins once, then a row for each change. */
export function encodeChanges(changes: readonly Change[]): Uint8Array {
  const origins: Origin[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (origin: Origin): number => {
    const key = `${origin.storeId}\n${origin.name}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = origins.push(origin) - 1;
      numbers.set(key, number);
    }
    return number;
  };
  const rows = changes.map((change) =>
    change.base
      ? [
          change.key,
          change.bytes,
          change.version,
          numberOf(change.origin),
          change.base.version,
          numberOf(change.base.origin),
        ]
      : [change.key, change.bytes, change.version, numberOf(change.origin)],
  );
  return packr.pack([wireFormat, origins.map(({ name, storeId }) => [name, storeId]), rows]);
}

/** @throws CodedError `undecodable` */
export function decodeChanges(block: Uint8Array): Change[] {
  const [format, originRows, rows] = array(decodeMessage(block));
  requireFormat(format);
  const origins = array(originRows).map((row): Origin => {
    const [name, storeId] = array(row);
    return legalOrigin({ name: text(name), storeId: text(storeId) });
  });
  const originAt = (value: unknown): Origin => {
    const origin = origins[count(value)];
    if (!origin) throw new CodedError('undecodable', 'A change names an origin that its block does not list');
    return origin;
  };
  return array(rows).map((row): Change => {
    const [key, bytes, version, origin, baseVersion, baseOrigin] = array(row);
    return {
      key: keyOf(key),
      bytes: bytes === null ? null : binary(bytes),
      version: count(version),
      origin: originAt(origin),
      base: baseVersion === undefined ? null : { version: count(baseVersion), origin: originAt(baseOrigin) },
    };
  });
}

const itemKinds = { whole: 0, stub: 1, piece: 2 } as const;

export function encodeItem(item: Exclude<ChannelItem, UndecodableItem>): Uint8Array {
  switch (item.kind) {
    case 'whole':
      return packr.pack([
        itemKinds.whole,
        item.seq,
        headerRow(item.header),
        placeRow(item.originPlace),
        item.parts.map(({ channel, seq }) => [channel, seq]),
        item.changes,
      ]);
    case 'stub':
      return packr.pack([itemKinds.stub, item.seq, headerRow(item.header), placeRow(item.originPlace)]);
    case 'piece':
      return packr.pack([itemKinds.piece, item.seq, item.id, item.index, item.count, item.bytes]);
  }
}

/** @throws CodedError `undecodable` */
export function decodeItem(bytes: Uint8Array): Exclude<ChannelItem, UndecodableItem> {
  const [kind, seq, ...rest] = array(decodeMessage(bytes));
  if (kind === itemKinds.piece) {
    const [id, index, pieces, piece] = rest;
    return {
      kind: 'piece',
      seq: count(seq),
      id: legalId(text(id)),
      index: count(index),
      count: count(pieces),
      bytes: binary(piece),
    };
  }
  const [header, place, parts, changes] = rest;
  if (kind === itemKinds.stub)
    return { kind: 'stub', seq: count(seq), header: legalHeader(header), originPlace: legalPlace(place) };
  if (kind !== itemKinds.whole) throw new CodedError('undecodable', `Unknown item kind ${String(kind)}`);
  return {
    kind: 'whole',
    seq: count(seq),
    header: legalHeader(header),
    originPlace: legalPlace(place),
    parts: array(parts).map((part) => {
      const [channel, partSeq] = array(part);
      return { channel: text(channel), seq: count(partSeq) };
    }),
    changes: binary(changes),
  };
}

/** An encoded item with its number and id beside it, so that one that cannot be decoded can still be passed. */
export interface FramedItem {
  readonly seq: number;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A message body. */
export function encodeItems(items: readonly FramedItem[]): Uint8Array {
  return packr.pack([wireFormat, items.map(({ seq, id, bytes }) => [seq, id, bytes])]);
}

/** What an item takes in a message body, at most. */
export function framedBytes({ id, bytes }: Omit<FramedItem, 'seq'>): number {
  return Buffer.byteLength(id) + bytes.length + 24;
}

/** @throws CodedError `undecodable` */
export function decodeItems(body: Uint8Array): FramedItem[] {
  const [format, items] = array(decodeMessage(body));
  requireFormat(format);
  return array(items).map((item): FramedItem => {
    const [seq, id, bytes] = array(item);
    return { seq: count(seq), id: legalId(text(id)), bytes: binary(bytes) };
  });
}

/** The item in a frame; what cannot be decoded, or is not what its frame says, comes as `undecodable`. */
export function openFrame(frame: FramedItem): ChannelItem {
  try {
    const item = decodeItem(frame.bytes);
    const id = item.kind === 'piece' ? item.id : item.header.id;
    if (item.seq === frame.seq && id === frame.id) return item;
    return { kind: 'undecodable', ...frame, detail: 'The item is not the one that its frame names' };
  } catch (error) {
    return { kind: 'undecodable', ...frame, detail: messageOf(error) };
  }
}

/** Cuts an encoded whole item into pieces of at most `maxBytes`. */
export function splitItem(item: WholeItem, encoded: Uint8Array, maxBytes: number): PieceItem[] {
  const pieces = Math.ceil(encoded.length / maxBytes);
  return Array.from({ length: pieces }, (_, index) => ({
    kind: 'piece',
    seq: item.seq,
    id: item.header.id,
    index,
    count: pieces,
    bytes: encoded.subarray(index * maxBytes, (index + 1) * maxBytes),
  }));
}

const operations: readonly (WriteOperation | undefined)[] = [
  undefined,
  'insert',
  'update',
  'upsert',
  'delete',
];

/** The header as the array that wire and disk formats embed. */
export function headerRow(header: TransactionHeader): unknown[] {
  return [
    header.id,
    header.kind === 'write' ? 0 : 1,
    header.origin.name,
    header.origin.storeId,
    header.version,
    header.via ?? null,
    operations.indexOf(header.operation),
    header.user ?? null,
  ];
}

/** @throws CodedError `undecodable` */
export function headerOf(value: unknown): TransactionHeader {
  const [id, kind, name, storeId, version, via, operation, user] = array(value);
  if (kind !== 0 && kind !== 1)
    throw new CodedError('undecodable', `Unknown transaction kind ${String(kind)}`);
  return {
    id: text(id),
    kind: kind === 0 ? 'write' : 'rows',
    origin: { name: text(name), storeId: text(storeId) },
    version: count(version),
    via: via === null ? undefined : text(via),
    operation: operations[count(operation)],
    user: user === null ? undefined : text(user),
  };
}

function placeRow(place: OriginPlace): unknown[] {
  return [place.incarnation, place.seq];
}

function legalPlace(value: unknown): OriginPlace {
  const [incarnation, seq] = array(value);
  return { incarnation: legalId(text(incarnation)), seq: count(seq) };
}

/** Of another node: what it names becomes part of keys of the store. */
function legalHeader(value: unknown): TransactionHeader {
  const header = headerOf(value);
  legalId(header.id);
  legalOrigin(header.origin);
  return header;
}

function legalOrigin(origin: Origin): Origin {
  if (!isNodeName(origin.name))
    throw new CodedError('undecodable', 'An origin has what is no name of a node');
  legalId(origin.storeId);
  return origin;
}

function legalId(id: string): string {
  if (!isId(id))
    throw new CodedError('undecodable', 'An id is longer than ids are, or has control characters');
  return id;
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw new CodedError('undecodable', notValid, { cause });
  }
}

const notValid = 'Bytes are not valid MessagePack';

function requireFormat(format: unknown): void {
  if (format !== wireFormat)
    throw new CodedError(
      'undecodable',
      `Format ${String(format)} is not known here (this node reads ${wireFormat})`,
    );
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function array(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw mismatch('an array', value);
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw mismatch('a string', value);
  return value;
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw mismatch('a whole number', value);
  return value;
}

function binary(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw mismatch('binary', value);
  return value;
}

function keyOf(value: unknown): Key {
  if (typeof value === 'number' && Number.isFinite(value)) return value === 0 ? 0 : value;
  if (typeof value !== 'string' || hasReservedCharacters(value)) throw mismatch('a key', value);
  return value;
}

function mismatch(wanted: string, value: unknown): CodedError {
  return new CodedError('undecodable', `Expected ${wanted}, found ${value === null ? 'null' : typeof value}`);
}
