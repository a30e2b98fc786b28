import { CodedError } from '../model/errors.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { Store } from '../store/store.ts';

/** A table that the server keeps for itself. @throws CodedError `table_missing` */
export function systemTable(store: Store, name: 'hdb_user' | 'hdb_role'): Table {
  const table = store.catalog.table(systemDatabase, name);
  if (table === undefined)
    throw new CodedError('table_missing', `Table '${systemDatabase}.${name}' does not exist`);
  return table;
}
