import { runOperation } from '../../src/operation/run-operation.ts';
import { localUser } from '../../src/operation/user/user.ts';
import { conflictsTable, type Conflict } from '../../src/store/conflicts.ts';
import { openServices } from '../operation/open-services.ts';
import { documentsOf } from '../store/test-store.ts';
import type { Replica } from './replica.ts';

/** Rows of `system.hdb_conflicts`, oldest first. */
export function conflictsOf({ store }: Replica): Conflict[] {
  const table = store.catalog.table('system', conflictsTable);
  if (!table) throw new Error('There is no table of conflicts');
  return documentsOf(store, table) as unknown[] as Conflict[];
}

/** What `resolve_conflict` answers to a super user. */
export async function resolve(
  { store }: Replica,
  conflict: Conflict | undefined,
  action: 'restore' | 'dismiss',
): Promise<unknown> {
  await using opened = await openServices(store);
  const context = { ...opened.services, user: localUser };
  return await runOperation(context, { operation: 'resolve_conflict', id: conflict?.id, action });
}
