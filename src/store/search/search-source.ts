import type { Document, Key } from '../../model/change.ts';
import type { Table } from '../../model/table.ts';
import type { MemoryBudget } from '../../runtime/memory-budget.ts';

/** What an index can hold. Other values (objects, absent attributes) have no entry in any index. */
export type IndexValue = string | number | boolean | null;

/** A range of index values; both ends are inclusive unless said otherwise, an absent end is open. */
export interface IndexBounds {
  readonly low?: IndexValue;
  readonly high?: IndexValue;
  readonly lowExclusive?: boolean;
  readonly highExclusive?: boolean;
}

/**
 * What a search reads of one table: one snapshot of it between two pauses, without tombstones and dropped attributes.
 *
 * The order of values is null, false, true, numbers, strings by UTF-16 unit (JavaScript's `<`). An index holds
 * what `indexEntriesOf` makes of an attribute: one entry for each element of an array, strings cut short.
 * The primary key counts as a complete index over the whole, uncut keys.
 */
export interface SearchSource {
  readonly table: Table;
  /** Of what the sorts of all searches hold. */
  readonly sorting: MemoryBudget;

  /** Live documents in primary key order, numbers before strings; undefined for a row that holds none. */
  scan(options?: { readonly reverse?: boolean }): Iterable<Document | undefined>;

  get(key: Key): Document | undefined;

  /** Whether the attribute has a complete index ('ready'). */
  isIndexed(attribute: string): boolean;

  /**
   * Keys by (value, key), or exactly backwards; a key comes once for each of its entries in the bounds.
   * Called only for indexed attributes. An entry whose document no longer shows the value does no harm; a missing
   * entry makes answers incomplete.
   */
  index(attribute: string, bounds: IndexBounds & { readonly reverse?: boolean }): Iterable<Key>;

  /**
   * About how many entries the bounds hold, at most `cap`. Called only for indexed attributes, and in every search
   * for the primary key without bounds (the size of the table), which should cost nothing.
   */
  estimate(attribute: string, bounds: IndexBounds, cap: number): number;
}
