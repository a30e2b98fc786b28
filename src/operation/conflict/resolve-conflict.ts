import * as z from 'zod';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';

/**
 * Settles a row of `system.hdb_conflicts`. `restore` puts what had lost in the place of what it lost to, the whole
 * record or its delete, as a new write of this node that wins everywhere. It is refused with 409 once the record is
 * another one than the winner that the row shows: nothing is replaced that nobody has looked at. So of several conflicts
 * of one record only one whose winner is still there can be restored, and then no other. `dismiss` lets what had lost go.
 * Whatever nobody settles goes by itself, oldest first, once it is 30 days old, or beyond 10,000 rows or 256 MiB.
 */
export const resolveConflict = defineOperation({
  name: 'resolve_conflict',
  permission: 'super_user',
  request: z.object({ id: field.existingName, action: z.enum(['restore', 'dismiss']) }),
  response: messageAnswer,
  async run({ store, user }, { id, action }) {
    const isRestored = action === 'restore';
    const { schema, table } = isRestored
      ? await store.restoreConflict(id, user.username)
      : await store.dismissConflict(id);
    return `conflict '${id}' on '${schema}.${table}' ${isRestored ? 'restored' : 'dismissed'}`;
  },
});
