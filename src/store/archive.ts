import type { Change, Document, Stamp } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import { randomId } from '../model/random-id.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import type { Writer } from './writer.ts';

export const archiveTable = 'hdb_archive';

/** A record that a delete removes. */
export interface Removal {
  readonly document: Document;
  readonly removed: Stamp;
  readonly deletion: Change;
}

/**
 * What deletes of peers removed (`on_delete: archive`): rows of `system.hdb_archive`, local, kept until somebody
 * deletes them.
 */
export class Archive {
  readonly #options: { readonly catalog: Catalog; readonly writer: Writer };

  constructor(options: { readonly catalog: Catalog; readonly writer: Writer }) {
    this.#options = options;
  }

  /** Inside the commit that removes the record. */
  keep(commit: Commit, table: Table, { document, removed, deletion }: Removal): void {
    const { catalog, writer } = this.#options;
    const archive = catalog.table(systemDatabase, archiveTable);
    // Rather stop than lose the record.
    if (!archive) throw new CodedError('table_missing', `Table 'system.${archiveTable}' does not exist`);
    // Sorts by the time of archiving.
    const id = `${String(commit.nowMs).padStart(15, '0')}-${randomId()}`;
    writer.replace(commit, archive, id, {
      id,
      schema: table.database,
      table: table.name,
      hash_value: deletion.key,
      record: document,
      version: removed.version,
      origin: removed.origin.name,
      store_id: removed.origin.storeId,
      deleted_version: deletion.version,
      deleted_by: deletion.origin.name,
      deleted_by_store_id: deletion.origin.storeId,
      archived_at: commit.nowMs,
    });
  }
}
