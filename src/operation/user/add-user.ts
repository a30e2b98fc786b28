import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { systemTable } from '../system-table.ts';
import { hashPassword } from './password.ts';
import { roleIdOf, stillRole } from './role-of-name.ts';

/** A colon ends the name in Basic authentication. */
const username = z
  .string()
  .min(1)
  .max(250)
  .refine((name) => !/[:\p{Cc}\p{Cs}]/u.test(name), 'cannot include colons or control characters');

/** Stores a new user with the role of this name. */
export const addUser = defineOperation({
  name: 'add_user',
  refusalName: 'addUser',
  permission: 'super_user',
  request: z.object({
    username,
    password: z.string().min(1),
    role: field.existingName,
    active: z.boolean().default(true),
  }),
  response: messageAnswer,
  async run({ store, user }, { username: name, password, role, active }) {
    const findRoleId = (): string =>
      roleIdOf(store, role, {
        none: `${role} role not found`,
        several: `Multiple ${role} roles found.  Roles must have unique 'role' value. Please update and try again.`,
      });
    const roleId = findRoleId();
    const { written } = await store.write({
      table: systemTable(store, 'hdb_user'),
      operation: 'insert',
      documents: [{ username: name, password: await hashPassword(password), role: roleId, active }],
      // While the password was hashed the role may have been dropped.
      check: stillRole(findRoleId, roleId),
      user: user.username,
    });
    if (written.length === 0) throw new CodedError('already_exists', `User ${name} already exists`);
    return `${name} successfully added`;
  },
});
