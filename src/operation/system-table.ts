import { CodedError } from '../model/errors.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { Store } from '../store/store.ts';

/** A table that the server keeps for itself; undefined where it has not been made yet. */
export function findSystemTable(store: Store, name: string): Table | undefined {
  return store.catalog.table(systemDatabase, name);
}

/** A table that every node has. @throws CodedError `table_missing` */
export function systemTable(store: Store, name: 'hdb_user' | 'hdb_role'): Table {
  const table = findSystemTable(store, name);
  if (table === undefined)
    throw new CodedError('table_missing', `Table '${systemDatabase}.${name}' does not exist`);
  return table;
}

/** A table of `system` that not every node has: it is made, with the primary key `id`, when it is first written. */
export async function openSystemTable(store: Store, name: string): Promise<Table> {
  const table = findSystemTable(store, name);
  if (table !== undefined) return table;
  try {
    return await store.catalog.createTable({ database: systemDatabase, name, primaryKey: 'id' });
  } catch (error) {
    // Two requests made it at once.
    const made = findSystemTable(store, name);
    if (error instanceof CodedError && made !== undefined) return made;
    throw error;
  }
}
