import type { Document } from './change.ts';
import { endOfValue, noToken, unsignedAt } from './message-pack.ts';
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

/**
 * Reads some attributes of documents, and of the others no more than that they are known and well-formed: many times
 * faster than decoding all of them.
 *
 * Exact: what it answers is what decoding the whole document would show of the wanted attributes. It does not answer where
 * an attribute is not known, or something is not in the form in which this node writes it.
 */
export class AttributeReader {
  /** By their bytes in a document, each byte a character. */
  readonly #names: ReadonlyMap<string, KnownName>;
  readonly #beginning: Pick<KnownName, 'next'> = { next: undefined };
  /** One value at a time: a view of each would cost more than to read it. */
  readonly #scratch = Buffer.alloc(longestText);

  /**
   * @param known attributes that documents may have
   * @param wanted those of them to read
   */
  constructor(known: Iterable<string>, wanted: ReadonlySet<string>) {
    const names = [...known].filter(isReadAsWritten).map((name): [string, KnownName] => {
      const bytes = Buffer.from(encodeMessage(name));
      return [bytes.toString('latin1'), { name, bytes, isWanted: wanted.has(name), next: undefined }];
    });
    this.#names = new Map(names);
  }

  /** The wanted attributes that the document has; undefined where that takes decoding it. */
  read(bytes: Uint8Array): Document | undefined {
    const head = bytes[0] ?? noToken;
    const isShort = head >= 0x80 && head < 0x90;
    if (!isShort && head !== 0xde) return undefined;
    let left = isShort ? head - 0x80 : unsignedAt(bytes, 1, 2);
    let position = isShort ? 1 : 3;
    const document: Record<string, unknown> = {};
    let before = this.#beginning;
    for (; left > 0; left -= 1) {
      const known = this.#nameAt(bytes, position, before);
      if (!known) return undefined;
      const begin = position + known.bytes.length;
      position = endOfValue(bytes, begin, maxDepth, 'document');
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
        return unsignedAt(bytes, begin + 1, end - begin - 1);
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
    const end = endOfValue(bytes, position, 0, 'document');
    const length = end - position;
    if (!(end <= bytes.length) || length > this.#scratch.length) return undefined;
    for (let index = 0; index < length; index += 1) this.#scratch[index] = bytes[position + index] ?? 0;
    const found = this.#names.get(this.#scratch.toString('latin1', 0, length));
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
