import { maxKeyBytes, type Document, type Key } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import type { MemoryBudget } from '../runtime/memory-budget.ts';
import { readTableState } from './commit.ts';
import { afterAll, type Environment, type Tree } from './environment.ts';
import { entryValue, lmdbKey } from './index-entry.ts';
import type { Definitions } from './definitions.ts';
import type { LongReads } from './long-reads.ts';
import { visibleDocument, type Records } from './records.ts';
import { compareIndexValues } from './search/index-value.ts';
import type { IndexBounds, IndexValue, SearchSource } from './search/search-source.ts';

export interface TableSearchSourceOptions {
  readonly environment: Environment;
  readonly records: Records;
  readonly longReads: LongReads;
  readonly definitions: Definitions;
  readonly table: Table;
  /** Of what the sorts of all searches hold. */
  readonly sorting: MemoryBudget;
}

/** What a search reads, from the trees of the store. */
export class TableSearchSource implements SearchSource {
  readonly table: Table;
  readonly sorting: MemoryBudget;
  readonly #environment: Environment;
  readonly #records: Records;
  readonly #longReads: LongReads;
  readonly #definitions: Definitions;

  constructor({ environment, records, longReads, definitions, table, sorting }: TableSearchSourceOptions) {
    this.table = table;
    this.sorting = sorting;
    this.#environment = environment;
    this.#records = records;
    this.#longReads = longReads;
    this.#definitions = definitions;
  }

  *scan(options?: { readonly reverse?: boolean }): Generator<Document | undefined> {
    for (const { row } of this.#records.rows(this.table, options)) yield visibleDocument(this.table, row);
  }

  get(key: Key): Document | undefined {
    return this.#records.document(this.table, key);
  }

  isIndexed(attribute: string): boolean {
    return attribute === this.table.primaryKey || this.#indexNumber(attribute) !== undefined;
  }

  index(attribute: string, bounds: IndexBounds & { readonly reverse?: boolean }): Iterable<Key> {
    const { tree, prefix } = this.#tree(attribute);
    const { start, end } = keyRange(prefix, bounds);
    // The lowest value may be a key by itself: that of a record.
    const range = bounds.reverse
      ? { start: end, end: start, reverse: true, inclusiveEnd: true }
      : { start, end };
    const at = prefix.length;
    return this.#longReads.keys({
      tree,
      range,
      move: attribute !== this.table.primaryKey,
      check: () => this.#requireIndex(attribute),
      take: (entry) => {
        const parts = entry as (IndexValue & Key)[];
        const value = parts[at];
        return value === undefined || isExcluded(value, bounds) ? undefined : (parts.at(-1) ?? value);
      },
      written: (entry) =>
        lmdbKey((entry as IndexValue[]).map((part, place) => (place === at ? entryValue(part) : part))),
    });
  }

  estimate(attribute: string, bounds: IndexBounds, cap: number): number {
    // A search asks this of the primary key every time: no need to count.
    if (attribute === this.table.primaryKey && bounds.low === undefined && bounds.high === undefined)
      return Math.min(cap, readTableState(this.#environment, this.table.id).records);
    const { tree, prefix } = this.#tree(attribute);
    return tree.getKeysCount({ ...keyRange(prefix, bounds), limit: cap });
  }

  #tree(attribute: string): { readonly tree: Tree; readonly prefix: readonly number[] } {
    const { records, indexes } = this.#environment.trees;
    if (attribute === this.table.primaryKey) return { tree: records, prefix: [this.table.id] };
    return { tree: indexes, prefix: [this.table.id, this.#indexNumber(attribute) ?? -1] };
  }

  /** @throws CodedError `attribute_missing` where the attribute was dropped, and its index is taken away */
  #requireIndex(name: string): void {
    const { database, name: table, id, primaryKey } = this.table;
    const number = this.#indexNumber(name);
    const now = this.#definitions.tableById(id)?.attributes.find((one) => one.number === number);
    // Of a table that was dropped whoever reads is told by `whileThere`.
    if (name === primaryKey || now === undefined || !now.dropped) return;
    throw new CodedError(
      'attribute_missing',
      `Attribute '${name}' of table '${database}.${table}' was dropped while it was read`,
    );
  }

  #indexNumber(name: string): number | undefined {
    return this.table.attributes.find(
      (attribute) => attribute.name === name && attribute.index === 'ready' && !attribute.dropped,
    )?.number;
  }
}

function keyRange(prefix: readonly number[], bounds: IndexBounds) {
  return {
    start: lmdbKey(bounds.low === undefined ? prefix : [...prefix, boundOf(bounds.low)]),
    end: lmdbKey(
      bounds.high === undefined ? [...prefix, afterAll] : [...prefix, boundOf(bounds.high), afterAll],
    ),
  };
}

/** Nothing that is stored is as long as this, so where a longer bound is cut makes no difference; LMDB takes no longer key. */
const maxBoundBytes = 2 * maxKeyBytes + 100;

function boundOf(bound: IndexValue): IndexValue {
  const value = entryValue(bound);
  if (typeof value !== 'string' || Buffer.byteLength(value) <= maxBoundBytes) return value;
  return Buffer.from(value).toString('utf8', 0, maxBoundBytes);
}

function isExcluded(value: IndexValue, bounds: IndexBounds): boolean {
  return (
    (bounds.lowExclusive === true &&
      bounds.low !== undefined &&
      compareIndexValues(value, bounds.low) === 0) ||
    (bounds.highExclusive === true &&
      bounds.high !== undefined &&
      compareIndexValues(value, bounds.high) === 0)
  );
}
