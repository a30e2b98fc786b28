import * as z from 'zod';
import { createHash } from 'node:crypto';
import type { Table } from '../../model/table.ts';
import { visibleAttributes } from '../../store/catalog.ts';
import type { Store } from '../../store/store.ts';
import { maySee, seenAttributes } from '../grants.ts';
import type { User } from '../user/user.ts';

export const tableAnswer = z.strictObject({
  schema: z.string(),
  name: z.string(),
  hash_attribute: z.string(),
  audit: z.boolean(),
  schema_defined: z.boolean(),
  attributes: z.array(
    z.strictObject({
      attribute: z.string(),
      indexed: z.boolean(),
      is_primary_key: z.boolean(),
      type: z.string().optional(),
    }),
  ),
  clustering_stream_name: z.string(),
  record_count: z.number(),
  last_updated_record: z.number(),
  table_size: z.number(),
  db_size: z.number(),
  db_audit_size: z.number().optional(),
});

/** By the name of the table. */
export const databaseAnswer = z.record(z.string(), tableAnswer);

/**
 * A table as describes show it to this user. Counts are exact and never include deleted records. Sizes of what
 * all tables share would tell restricted users of the others.
 */
export function tableDescription(store: Store, table: Table, user: User): Readonly<Record<string, unknown>> {
  const seen = seenAttributes(user, table);
  const statistics = store.statistics(table);
  return {
    schema: table.database,
    name: table.name,
    hash_attribute: table.primaryKey,
    audit: !table.local,
    schema_defined: table.schemaDefined,
    attributes: visibleAttributes(table)
      .filter(({ name }) => seen?.has(name) !== false)
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
    ...(user.isSuperUser
      ? { db_size: statistics.databaseSizeBytes, db_audit_size: statistics.logSizeBytes }
      : { db_size: statistics.sizeBytes }),
  };
}

/** All tables of a database that the user may see, by name. */
export function databaseDescription(
  store: Store,
  database: string,
  user: User,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    store.catalog
      .tables(database)
      .filter((table) => maySee(user, table))
      .map((table) => [table.name, tableDescription(store, table, user)]),
  );
}
