import { CodedError } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import type { Store } from '../store/store.ts';

/** The table, or why it cannot be found. Writes answer 400 where everything else answers 404. */
export function requireTable(
  store: Store,
  database: string,
  name: string,
  asked: 'to read' | 'to write' = 'to read',
): Table {
  const table = store.catalog.table(database, name);
  if (table !== undefined) return table;
  const missing = store.catalog.hasDatabase(database) ? 'table' : 'database';
  const message =
    missing === 'table'
      ? `Table '${database}.${name}' does not exist`
      : `database '${database}' does not exist`;
  if (asked === 'to write') throw new CodedError('invalid_request', message);
  throw new CodedError(missing === 'table' ? 'table_missing' : 'database_missing', message);
}

/** @throws CodedError `database_missing` */
export function requireDatabase(store: Store, database: string): void {
  if (!store.catalog.hasDatabase(database)) {
    throw new CodedError('database_missing', `database '${database}' does not exist`);
  }
}
