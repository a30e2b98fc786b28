import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { systemTable } from '../system-table.ts';
import { findRole } from './role.ts';

/** Removes a role that no active user has. Inactive users of it cannot log in until they get another. */
export const dropRole = defineOperation({
  name: 'drop_role',
  refusalName: 'dropRole',
  permission: 'super_user',
  request: z.object({ id: field.existingName }),
  response: messageAnswer,
  async run({ store, user }, { id }) {
    const role = findRole(store, id);
    if (role === undefined) throw new CodedError('not_found', 'Role not found');
    for (const row of store.search(systemTable(store, 'hdb_user'), {})) {
      if (row['role'] === id && row['active'] !== false) {
        throw new CodedError(
          'in_use',
          `Cannot drop role ${role.role} as it has active user(s) tied to this role`,
        );
      }
    }
    await store.delete({ table: systemTable(store, 'hdb_role'), keys: [id], user: user.username });
    return `${role.role} successfully deleted`;
  },
});
