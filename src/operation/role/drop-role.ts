import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { systemTable } from '../system-table.ts';
import { findRole, type Role } from './role.ts';

/** Removes a role that no active user has. Inactive users of it cannot log in until they get another. */
export const dropRole = defineOperation({
  name: 'drop_role',
  refusalName: 'dropRole',
  permission: 'super_user',
  request: z.object({ id: field.existingName }),
  response: messageAnswer,
  async run({ store, user }, { id }) {
    const { role } = unusedRole(store, id);
    await store.delete({
      table: systemTable(store, 'hdb_role'),
      keys: [id],
      check: () => unusedRole(store, id),
      user: user.username,
    });
    return `${role} successfully deleted`;
  },
});

/** @throws CodedError `not_found`, `in_use` */
function unusedRole(store: Store, id: string): Role {
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
  return role;
}
