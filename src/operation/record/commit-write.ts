import type { Key } from '../../model/change.ts';
import { writeNodeRows } from '../node/node-rows.ts';
import type { IsMeant } from '../../store/writer.ts';
import type { OperationContext } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { isNodes } from './system-row.ts';
import { checkWrite, type WriteRequest } from './write-request.ts';

/**
 * Checks the request and commits it as one transaction; resolves when it is on disk.
 *
 * @param isMeant asked of records, not of nodes
 */
export async function commitWrite(
  context: OperationContext,
  request: WriteRequest,
  operation: 'insert' | 'update' | 'upsert',
  isMeant?: IsMeant,
): Promise<{ readonly written: readonly Key[]; readonly skipped: readonly Key[] }> {
  const { store, user } = context;
  const table = requireTable(store, request.schema, request.table, 'to write');
  if (isNodes(table)) return writeNodeRows(context, operation, request.records);
  const documents = await checkWrite(store, table, request.records, operation);
  if (documents.length === 0) return { written: [], skipped: [] };
  return store.write({ table, operation, documents, ...(isMeant && { isMeant }), user: user.username });
}
