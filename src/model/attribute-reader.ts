import type { Document } from './change.ts';
import { encodeMessage } from './transaction-codec.ts';

interface KnownName {
  readonly name: string;
  /** As it stands in a document. */
  readonly bytes: Uint8Array;
  readonly isWanted: boolean;
  /** What came behind it last: documents of a table resemble each other. */
  next: KnownName | undefined;
}

/** Of texts with a length of one byte, which are the longest that are read here. */
const longestText = 0xff;
/** Deeper values are left to whoever decodes the whole document. */
const maxDepth = 32;
/** Never used in MessagePack; stands for what is beyond the end, too. */
const noToken = 0xc1;

/**
 * Reads some attributes of documents, and of the others no more than that they are known and well-formed: many times
 * faster than decoding all of them.
 *
 * Exact: what it answers is what decoding the whole document would show of the wanted attributes. It does not answer where
 * an attribute is not known, or something is not in the form in which this node writes it.
 */
export class AttributeReader {
  readonly #names: readonly KnownName[];
  readonly #beginning: Pick<KnownName, 'next'> = { next: undefined };
  /** One value at a time: a view of each would cost more than to read it. */
  readonly #scratch = Buffer.alloc(longestText);

  constructor(known: Iterable<string>, wanted: ReadonlySet<string>) {
    this.#names = [...known].filter(isReadAsWritten).map((name) => ({
      name,
      bytes: Uint8Array.from(encodeMessage(name)),
      isWanted: wanted.has(name),
      next: undefined,
    }));
  }

  /** The wanted attributes that the document has; undefined where that takes decoding it. */
  read(bytes: Uint8Array): Document | undefined {
    const head = bytes[0] ?? noToken;
    const isShort = head >= 0x80 && head < 0x90;
    if (!isShort && head !== 0xde) return undefined;
    let left = isShort ? head - 0x80 : wide(bytes, 1, 2);
    let position = isShort ? 1 : 3;
    const document: Record<string, unknown> = {};
    let before = this.#beginning;
    for (; left > 0; left -= 1) {
      const known = this.#nameAt(bytes, position, before);
      if (!known) return undefined;
      const begin = position + known.bytes.length;
      position = endOf(bytes, begin, maxDepth);
      if (!(position <= bytes.length)) return undefined;
      before = known;
      if (!known.isWanted) continue;
      const value = this.#plainValue(bytes, begin, position);
      if (value === undefined) return undefined;
      document[known.name] = value;
    }
    return position === bytes.length ? document : undefined;
  }

  /** A value that an index may hold, where there is no more than one way to read it. */
  #plainValue(bytes: Uint8Array, begin: number, end: number): null | boolean | number | string | undefined {
    const token = bytes[begin] ?? noToken;
    if (token < 0x80) return token;
    if (token >= 0xe0) return token - 0x100;
    if (token >= 0xa0 && token < 0xc0) return this.#plainText(bytes, begin + 1, end);
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xcb:
        for (let index = 0; index < 8; index += 1) this.#scratch[index] = bytes[begin + 1 + index] ?? 0;
        return this.#scratch.readDoubleBE(0);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return wide(bytes, begin + 1, end - begin - 1);
      case 0xd9:
        return this.#plainText(bytes, begin + 2, end);
      default:
        return undefined;
    }
  }

  /** A text of ASCII; the bytes of others need not be UTF-8. */
  #plainText(bytes: Uint8Array, begin: number, end: number): string | undefined {
    for (let position = begin; position < end; position += 1) {
      const byte = bytes[position] ?? 0x80;
      if (byte >= 0x80) return undefined;
      this.#scratch[position - begin] = byte;
    }
    return this.#scratch.toString('latin1', 0, end - begin);
  }

  #nameAt(bytes: Uint8Array, position: number, before: Pick<KnownName, 'next'>): KnownName | undefined {
    if (before.next && isAt(bytes, position, before.next.bytes)) return before.next;
    const found = this.#names.find((known) => isAt(bytes, position, known.bytes));
    if (found) before.next = found;
    return found;
  }
}

/** The decoder renames one, and has another character for halves of one. */
function isReadAsWritten(name: string): boolean {
  return name !== '__proto__' && name.isWellFormed();
}

function isAt(bytes: Uint8Array, position: number, part: Uint8Array): boolean {
  for (let index = 0; index < part.length; index += 1)
    if (bytes[position + index] !== part[index]) return false;
  return true;
}

/** Where the value that begins here ends; beyond all bytes where it is of a kind that only the decoder judges. */
function endOf(bytes: Uint8Array, position: number, depth: number): number {
  const token = bytes[position] ?? noToken;
  if (token < 0x80 || token >= 0xe0) return position + 1;
  if (token < 0x90) return endOfAll(bytes, position + 1, token - 0x80, true, depth);
  if (token < 0xa0) return endOfAll(bytes, position + 1, token - 0x90, false, depth);
  if (token < 0xc0) return position + 1 + token - 0xa0;
  switch (token) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return position + 1;
    case 0xcc:
    case 0xd0:
      return position + 2;
    case 0xcd:
    case 0xd1:
      return position + 3;
    case 0xca:
    case 0xce:
    case 0xd2:
      return position + 5;
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return position + 9;
    case 0xc4:
    case 0xd9:
      return position + 2 + wide(bytes, position + 1, 1);
    case 0xc5:
    case 0xda:
      return position + 3 + wide(bytes, position + 1, 2);
    case 0xc6:
    case 0xdb:
      return position + 5 + wide(bytes, position + 1, 4);
    case 0xdc:
      return endOfAll(bytes, position + 3, wide(bytes, position + 1, 2), false, depth);
    case 0xde:
      return endOfAll(bytes, position + 3, wide(bytes, position + 1, 2), true, depth);
    default:
      return Infinity;
  }
}

/** Where so many elements of an array end, or entries of a map. */
function endOfAll(bytes: Uint8Array, begin: number, count: number, isMap: boolean, depth: number): number {
  if (depth === 0) return Infinity;
  let position = begin;
  for (let left = count; left > 0; left -= 1) {
    if (isMap && !isText(bytes[position] ?? noToken)) return Infinity;
    if (isMap) position = endOf(bytes, position, depth);
    position = endOf(bytes, position, depth - 1);
    if (position > bytes.length) return Infinity;
  }
  return position;
}

function isText(token: number): boolean {
  return (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb);
}

function wide(bytes: Uint8Array, position: number, length: number): number {
  let value = 0;
  for (let index = 0; index < length; index += 1) value = value * 256 + (bytes[position + index] ?? Infinity);
  return value;
}
