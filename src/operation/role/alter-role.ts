import { CodedError } from '../../model/errors.ts';
import { updatedTime } from '../../model/table.ts';
import { defineOperation } from '../operation.ts';
import { systemTable } from '../system-table.ts';
import { changedRole, readAskedRole } from './role-request.ts';
import { findRole, rolesNamed, roleAnswer } from './role.ts';

/** Replaces the permission of a role, and its name if the request has one. Counts from the next request on. */
export const alterRole = defineOperation({
  name: 'alter_role',
  refusalName: 'alterRole',
  permission: 'super_user',
  request: changedRole,
  response: roleAnswer,
  async run({ store, user }, request) {
    const { id = '', role, permission } = readAskedRole(store, request, 'id');
    const check = (): void => {
      if (role !== undefined && rolesNamed(store, role).some((other) => other.id !== id))
        throw new CodedError('already_exists', `A role with name '${role}' already exists`);
    };
    check();
    const { written } = await store.write({
      table: systemTable(store, 'hdb_role'),
      operation: 'update',
      documents: [{ id, permission, ...(role === undefined ? {} : { role }) }],
      check,
      user: user.username,
    });
    const stored = written.length === 0 ? undefined : findRole(store, id);
    if (stored === undefined) throw new CodedError('invalid_request', 'Invalid role id');
    return {
      id,
      role: stored.role,
      permission: stored.permission,
      [updatedTime]: stored[updatedTime],
    };
  },
});
