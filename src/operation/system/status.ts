import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import type { Table } from '../../model/table.ts';
import { timestamps } from '../answer.ts';
import type { Store } from '../../store/store.ts';
import { findSystemTable, openSystemTable } from '../system-table.ts';

const statusTable = 'hdb_status';

/** What a status can be about. */
export const statusId = z.enum(['primary', 'maintenance', 'availability']);

export const statusAnswer = z.strictObject({ id: statusId, status: z.string(), ...timestamps });

/** The table of statuses: rows `{id, status}`, created with the first one. */
export function findStatusTable(store: Store): Table | undefined {
  return findSystemTable(store, statusTable);
}

export function openStatusTable(store: Store): Promise<Table> {
  return openSystemTable(store, statusTable);
}

export function readStatuses(store: Store): readonly Document[] {
  const table = findStatusTable(store);
  return table === undefined ? [] : [...store.search(table, {})];
}
