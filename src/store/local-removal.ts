import type { Document, Key } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import type { Nodes } from './nodes.ts';
import { visibleDocument, type Records } from './records.ts';
import { rowOf } from './row.ts';
import type { Writer } from './writer.ts';

export interface RemovalRequest {
  readonly table: Table;
  readonly keys: readonly Key[];
  /** Asked again inside the commit: a record may have changed since it was found. */
  readonly isDoomed: (document: Document) => boolean;
  readonly user: string;
}

export interface LocalRemovalOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly nodes: Nodes;
  readonly writer: Writer;
}

/**
 * Removes records from this node and from no other.
 *
 * Of a table that is or was shared with a peer the row stays where it is and is hidden: no read, count or index
 * knows it, and replication sees it unchanged. So nothing travels, digests stay equal, what a peer sends again is
 * nothing new, and a later write of the record shows it again. Its bytes stay on this disk: without them this node
 * could neither prove its table nor copy it to a new subscriber. Of what only `on_delete: ignore` keeps, the tombstone
 * is left, which is all that replication sees. Of any other table records are deleted.
 */
export class LocalRemoval {
  readonly #options: LocalRemovalOptions;

  constructor(options: LocalRemovalOptions) {
    this.#options = options;
  }

  /** Inside a commit. Returns how many records went. */
  remove(commit: Commit, { table: named, keys, isDoomed, user }: RemovalRequest): number {
    const { catalog, records, nodes, writer } = this.#options;
    // As it is now: an index may have come since the records were found, or the table may be gone.
    const table = catalog.tableById(named.id);
    if (!table) return 0;
    const isDoomedKey = (key: Key): boolean => {
      const document = records.document(table, key);
      return document !== undefined && isDoomed(document);
    };
    const doomed = keys.filter(isDoomedKey);
    if (!nodes.isShared(table)) return writer.delete(commit, { table, keys: doomed, user }).deleted.length;
    for (const key of doomed) {
      const row = records.row(table, key);
      if (row && visibleDocument(table, row))
        records.put(commit, table, key, row, row.bytes ? { ...row, hidden: true } : rowOf(row, null));
    }
    return doomed.length;
  }
}
