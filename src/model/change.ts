/** Primary key of a record. A number and its decimal string are two keys. */
export type Key = string | number;

/** Longest primary key, UTF-8 bytes: keys of the store hold it beside a table number and an index value. */
export const maxKeyBytes = 900;

/** About what a key takes. */
export function keyBytes(key: Key): number {
  return typeof key === 'string' ? Buffer.byteLength(key) : 9;
}

/** As the store orders keys: numbers first, texts by their UTF-8. Negative, 0 or positive. */
export function compareKeys(one: Key, other: Key): number {
  if (typeof one === 'number') return typeof other === 'number' ? one - other : -1;
  return typeof other === 'number' ? 1 : Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** The key encoding of the store uses these for itself. */
export function hasReservedCharacters(key: string): boolean {
  for (let index = 0; index < key.length; index += 1) if (key.charCodeAt(index) < 5) return true;
  return false;
}

/** Why a text cannot be a key, in the words of an answer; undefined for one that can. */
export function keyProblem(key: string): string | undefined {
  if (hasReservedCharacters(key))
    return 'A primary key cannot include the control characters U+0000 to U+0004';
  const bytes = Buffer.byteLength(key);
  return bytes > maxKeyBytes
    ? `A primary key may have at most ${maxKeyBytes} bytes; one has ${bytes}`
    : undefined;
}

/** A document as clients see it. */
export type Document = Readonly<Record<string, unknown>>;

/** Where a change was first committed. */
export interface Origin {
  readonly name: string;
  readonly storeId: string;
}

/** What decides between two changes of one record: see `model/conflict.ts`. */
export interface Stamp {
  /** Hybrid logical clock, integer microseconds since 1970. */
  readonly version: number;
  readonly origin: Origin;
}

/** One put or delete of one record: the full after-image. */
export interface Change extends Stamp {
  readonly key: Key;
  /** The stamp of the row that this change replaced; null when there was none. */
  readonly base: Stamp | null;
  /** MessagePack of the document; null is a delete. */
  readonly bytes: Uint8Array | null;
  /** What {@link bytes} say, where somebody has looked already; neither stored nor sent. */
  readonly document?: Document | undefined;
  /** Of that, where nobody had to look at all of it, the attributes with an index here. */
  readonly indexed?: Document | undefined;
}
