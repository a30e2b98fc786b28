import { z } from 'zod';
import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { systemDatabase, type Table } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';

const statusTable = 'hdb_status';

/** What a status can be about. */
export const statusId = z.enum(['primary', 'maintenance', 'availability']);

/** The table of statuses: rows `{id, status}`, created with the first one. */
export function findStatusTable(store: Store): Table | undefined {
  return store.catalog.table(systemDatabase, statusTable);
}

export async function openStatusTable(store: Store): Promise<Table> {
  const table = findStatusTable(store);
  if (table !== undefined) return table;
  try {
    return await store.catalog.createTable({ database: systemDatabase, name: statusTable, primaryKey: 'id' });
  } catch (error) {
    const made = findStatusTable(store);
    if (error instanceof CodedError && made !== undefined) return made;
    throw error;
  }
}

export function readStatuses(store: Store): readonly Document[] {
  const table = findStatusTable(store);
  return table === undefined ? [] : [...store.search(table, {})];
}
