import type { Key } from '../../model/change.ts';
import type { Table } from '../../model/table.ts';
import type { IsMeant } from '../../store/writer.ts';
import { removeNodeRows } from '../node/node-rows.ts';
import type { OperationContext } from '../operation.ts';
import { isNodes, protectSystemTable } from './system-row.ts';

/**
 * Deletes records by key as one transaction; unknown keys are skipped.
 *
 * @param isMeant asked of records, not of nodes
 */
export async function commitDelete(
  context: OperationContext,
  table: Table,
  keys: readonly Key[],
  isMeant?: IsMeant,
): Promise<{ readonly deleted: readonly Key[]; readonly skipped: readonly Key[] }> {
  if (isNodes(table)) return removeNodeRows(context, keys);
  protectSystemTable(table, 'delete');
  if (keys.length === 0) return { deleted: [], skipped: [] };
  return context.store.delete({ table, keys, ...(isMeant && { isMeant }), user: context.user.username });
}
