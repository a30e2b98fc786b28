import * as z from 'zod';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { findStatusTable, statusId } from './status.ts';

/** Forgets a status. */
export const clearStatus = defineOperation({
  name: 'clear_status',
  refusalName: 'clearStatus',
  permission: 'super_user',
  request: z.object({ id: statusId }),
  response: messageAnswer,
  async run({ store, user }, { id }) {
    const table = findStatusTable(store);
    if (table !== undefined) await store.delete({ table, keys: [id], user: user.username });
    return 'Status successfully cleared';
  },
});
