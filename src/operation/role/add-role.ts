import { CodedError } from '../../model/errors.ts';
import { defineOperation } from '../operation.ts';
import { systemTable } from '../system-table.ts';
import { newRole, readAskedRole } from './role-request.ts';
import { findRole, rolesNamed, roleAnswer } from './role.ts';

/** Stores a new role; its id is its name unless the request says another. */
export const addRole = defineOperation({
  name: 'add_role',
  refusalName: 'addRole',
  permission: 'super_user',
  request: newRole,
  response: roleAnswer,
  async run({ store, user }, request) {
    const { id, role = '', permission } = readAskedRole(store, request, 'role');
    const document = { role, permission, id: id ?? role };
    const taken = new CodedError('already_exists', `A role with name '${role}' already exists`);
    const check = (): void => {
      if (rolesNamed(store, role).length > 0) throw taken;
    };
    check();
    const table = systemTable(store, 'hdb_role');
    const { written } = await store.write({
      table,
      operation: 'insert',
      documents: [document],
      check,
      user: user.username,
    });
    if (written.length === 0) throw taken;
    return findRole(store, document.id);
  },
});
