import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { systemTable } from '../system-table.ts';

/** Removes a user; what it may have asked meanwhile is refused from the next request on. */
export const dropUser = defineOperation({
  name: 'drop_user',
  refusalName: 'dropUser',
  permission: 'super_user',
  request: z.object({ username: field.existingName }),
  response: messageAnswer,
  async run({ store, user }, { username }) {
    const table = systemTable(store, 'hdb_user');
    const { deleted } = await store.delete({ table, keys: [username], user: user.username });
    if (deleted.length === 0) throw new CodedError('not_found', `User ${username} does not exist`);
    return `${username} successfully deleted`;
  },
});
