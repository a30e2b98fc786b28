import { createHash } from 'node:crypto';
import type { Table } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';

/** A table as describes show it. Counts are exact and never include deleted records. */
export function tableDescription(store: Store, table: Table): Readonly<Record<string, unknown>> {
  const statistics = store.statistics(table);
  return {
    schema: table.database,
    name: table.name,
    hash_attribute: table.primaryKey,
    audit: !table.local,
    schema_defined: table.schemaDefined,
    attributes: table.attributes
      .filter(({ dropped }) => !dropped)
      .map(({ name, index, type }) => ({
        attribute: name,
        // A search on any attribute of a dynamic table is served by an index, built on demand.
        indexed: !table.schemaDefined || name === table.primaryKey || index !== 'none',
        is_primary_key: name === table.primaryKey,
        ...(type === undefined ? {} : { type }),
      })),
    clustering_stream_name: createHash('md5').update(`${table.database}:${table.name}`).digest('hex'),
    record_count: statistics.records,
    last_updated_record: statistics.lastUpdatedMs,
    table_size: statistics.sizeBytes,
    db_size: statistics.databaseSizeBytes,
    db_audit_size: statistics.logSizeBytes,
  };
}

/** All tables of a database, by name. */
export function databaseDescription(store: Store, database: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    store.catalog.tables(database).map((table) => [table.name, tableDescription(store, table)]),
  );
}
