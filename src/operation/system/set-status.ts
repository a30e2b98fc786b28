import * as z from 'zod';
import { defineOperation } from '../operation.ts';
import { openStatusTable, statusId, statusAnswer } from './status.ts';

const availabilities = ['Available', 'Unavailable'];

/** Notes what an operator wants others to know of this node. */
export const setStatus = defineOperation({
  name: 'set_status',
  refusalName: 'setStatus',
  permission: 'super_user',
  request: z
    .object({ id: statusId.default('primary'), status: z.string().min(1).max(512) })
    .superRefine(({ id, status }, context) => {
      if (id === 'availability' && !availabilities.includes(status))
        context.addIssue({
          code: 'custom',
          path: ['status'],
          message: `must be one of [${availabilities.join(', ')}]`,
        });
    }),
  response: statusAnswer,
  async run({ store, user }, { id, status }) {
    const table = await openStatusTable(store);
    await store.write({
      table,
      operation: 'upsert',
      documents: [{ id, status }],
      user: user.username,
    });
    return store.get(table, id);
  },
});
