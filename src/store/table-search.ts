import type { Document } from '../model/change.ts';
import type { Query } from '../model/query.ts';
import type { Table } from '../model/table.ts';
import { MemoryBudget } from '../runtime/memory-budget.ts';
import type { Pausing } from '../runtime/pauses.ts';
import { visibleAttributes } from './catalog.ts';
import { readTableState } from './commit.ts';
import type { Definitions } from './definitions.ts';
import type { Environment } from './environment.ts';
import type { LongReads } from './long-reads.ts';
import type { Records } from './records.ts';
import { planOf, planSearch, type PlanDescription } from './search/search-plan.ts';
import { searchWithPauses } from './search/search.ts';
import { maxSortedBytes } from './search/top-documents.ts';
import { TableSearchSource } from './table-search-source.ts';

/** A search over a table of at least this many records builds the index that it missed. */
const largeTable = 10_000;

/** What the sorts of all searches may hold together, and what each may whatever the others do. */
const sorting = { maxBytes: 4 * maxSortedBytes, freeBytes: 1024 * 1024 };

export interface TableSearchOptions {
  readonly environment: Environment;
  readonly records: Records;
  readonly longReads: LongReads;
  readonly definitions: Definitions;
}

/** Searches the tables of the store, and wishes for the indexes that it misses. */
export class TableSearch {
  readonly #options: TableSearchOptions;
  readonly #sorting = new MemoryBudget(sorting);

  constructor(options: TableSearchOptions) {
    this.#options = options;
  }

  /** Lazy where the order permits; on a large table it asks for the index that it missed. */
  search(table: Table, query: Query): Pausing<Document> {
    const { environment, definitions } = this.#options;
    const source = this.#source(table);
    const plan = planSearch(source, query);
    if (readTableState(environment, table.id).records >= largeTable)
      for (const attribute of planOf(source, query, plan).wanted.filter((name) => isBare(table, name)))
        // A wish: where there is no room for it now, the next search has it again.
        definitions.wantIndex(table, attribute).catch(() => undefined);
    return searchWithPauses(source, query, plan);
  }

  /** What {@link search} would do. */
  plan(table: Table, query: Query): PlanDescription {
    return planOf(this.#source(table), query);
  }

  #source(table: Table): TableSearchSource {
    return new TableSearchSource({ ...this.#options, table, sorting: this.#sorting });
  }
}

/** Has no index, and none is being built. */
function isBare(table: Table, name: string): boolean {
  return visibleAttributes(table).some((attribute) => attribute.name === name && attribute.index === 'none');
}
