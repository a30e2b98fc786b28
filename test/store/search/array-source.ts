import type { Document, Key } from '../../../src/model/change.ts';
import type { Table } from '../../../src/model/table.ts';
import { MemoryBudget } from '../../../src/runtime/memory-budget.ts';
import type { IndexBounds, IndexValue, SearchSource } from '../../../src/store/search/search-source.ts';

export interface ArraySourceOptions {
  readonly documents: readonly Document[];
  readonly indexed?: readonly string[];
  readonly primaryKey?: string;
  /** Turns the true count into what `estimate` says. */
  readonly distort?: (attribute: string, count: number) => number;
}

/** A search source over an array, by the letter of the contract; counts what is read. */
export class ArraySource implements SearchSource {
  readonly table: Table;
  readonly sorting = new MemoryBudget({ maxBytes: Infinity, freeBytes: Infinity });
  readonly reads = { scanned: 0, fetched: 0 };
  /** Entries that estimates have counted; the size of the table costs nothing. */
  counted = 0;
  readonly #documents: readonly Document[];
  readonly #indexed: readonly string[];
  readonly #distort: (attribute: string, count: number) => number;

  constructor({ documents, indexed = [], primaryKey = 'id', distort }: ArraySourceOptions) {
    this.#documents = documents.toSorted((a, b) => order(keyOf(a, primaryKey), keyOf(b, primaryKey)));
    this.#indexed = indexed;
    this.#distort = distort ?? ((_, count) => count);
    const names = new Set([primaryKey, ...documents.flatMap((document) => Object.keys(document))]);
    this.table = {
      id: 1,
      database: 'dev',
      name: 'dog',
      primaryKey,
      incarnation: 'i',
      attributes: [...names].map((name, number) => ({
        name,
        number,
        index: indexed.includes(name) ? 'ready' : 'none',
        dropped: false,
        hiddenUpTo: 0,
      })),
      schemaDefined: false,
      local: false,
      createdAtMs: 0,
    };
  }

  *scan({ reverse = false } = {}): Iterable<Document> {
    for (const document of reverse ? this.#documents.toReversed() : this.#documents) {
      this.reads.scanned++;
      yield document;
    }
  }

  get(key: Key): Document | undefined {
    this.reads.fetched++;
    return this.#documents.find((document) => document[this.table.primaryKey] === key);
  }

  isIndexed(attribute: string): boolean {
    return attribute === this.table.primaryKey || this.#indexed.includes(attribute);
  }

  index(attribute: string, bounds: IndexBounds & { readonly reverse?: boolean }): Iterable<Key> {
    const entries = this.#entries(attribute).filter(({ value }) => holds(bounds, value));
    entries.sort((a, b) => order(a.value, b.value) || order(a.key, b.key));
    if (bounds.reverse) entries.reverse();
    return entries.map(({ key }) => key);
  }

  estimate(attribute: string, bounds: IndexBounds, cap: number): number {
    const count = this.#entries(attribute).filter(({ value }) => holds(bounds, value)).length;
    const estimate = Math.min(cap, Math.max(0, this.#distort(attribute, count)));
    if (Object.keys(bounds).length > 0) this.counted += estimate;
    return estimate;
  }

  #entries(attribute: string): { value: IndexValue; key: Key }[] {
    if (!this.isIndexed(attribute)) throw new Error(`${attribute} has no index`);
    const { primaryKey } = this.table;
    return this.#documents.flatMap((document) => {
      const key = keyOf(document, primaryKey);
      if (attribute === primaryKey) return [{ value: key, key }];
      const held = document[attribute];
      const values: unknown[] = Array.isArray(held) ? held : [held];
      const cut = values
        .filter(isScalar)
        .map((value) => (typeof value === 'string' ? value.slice(0, 200) : value));
      return [...new Set(cut)].map((value) => ({ value, key }));
    });
  }
}

export function isScalar(value: unknown): value is IndexValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

export function keyOf(document: Document, primaryKey: string): Key {
  const key = document[primaryKey];
  if (typeof key !== 'string' && typeof key !== 'number') throw new Error('A document has no key');
  return key;
}

/** Null, booleans, numbers, strings. */
export function order(a: IndexValue, b: IndexValue): number {
  const types = ['object', 'boolean', 'number', 'string'];
  if (typeof a !== typeof b) return types.indexOf(typeof a) - types.indexOf(typeof b);
  if (a === null || b === null || a === b) return 0;
  if (typeof a === 'string' && typeof b === 'string') return byCodePoint([...a], [...b]);
  return a < b ? -1 : 1;
}

function byCodePoint(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((character, index) => character !== b[index]);
  if (at === -1) return a.length - b.length;
  return b[at] === undefined ? 1 : (a[at]?.codePointAt(0) ?? 0) - (b[at].codePointAt(0) ?? 0);
}

function holds({ low, high, lowExclusive, highExclusive }: IndexBounds, value: IndexValue): boolean {
  if (low !== undefined && order(value, low) < (lowExclusive ? 1 : 0)) return false;
  return high === undefined || order(value, high) <= (highExclusive ? -1 : 0);
}
