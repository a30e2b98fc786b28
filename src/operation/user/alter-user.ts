import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import { defineOperation } from '../operation.ts';
import { writeAnswer, writeAnswers } from '../record/write-answer.ts';
import { systemTable } from '../system-table.ts';
import { credentials } from './credentials.ts';
import { roleIdOf, stillRole } from './role-of-name.ts';

/** Changes the password, the role or the activity of a user; it counts from the next request on. */
export const alterUser = defineOperation({
  name: 'alter_user',
  refusalName: 'alterUser',
  permission: 'super_user',
  request: z.object({
    username: field.refusedWithout(field.anyText),
    password: field.anyText.optional(),
    role: field.anyText.optional(),
    active: z.unknown().meta({ type: 'boolean' }).optional(),
  }),
  response: writeAnswers.update.extend({ new_attributes: z.array(z.string()), txn_time: z.number() }),
  async run({ store, user, now }, request) {
    const { username, password, role, active } = readAlteration(request);
    const findRoleId = (): string | undefined =>
      role === undefined
        ? undefined
        : roleIdOf(store, role, {
            none: `Update failed.  Requested '${role}' role not found.`,
            several: `Update failed.  There are duplicates for the '${role}' role which is not allowed. Update your roles and try again.`,
          });
    const roleId = findRoleId();
    const { written, skipped } = await store.write({
      table: systemTable(store, 'hdb_user'),
      operation: 'update',
      documents: [
        {
          username,
          ...(password === undefined ? {} : await credentials(store, username, password)),
          ...(roleId === undefined ? {} : { role: roleId }),
          ...(active === undefined ? {} : { active }),
        },
      ],
      // While the password was hashed the role may have been dropped.
      check: stillRole(findRoleId, roleId),
      user: user.username,
    });
    return { ...writeAnswer('update', written, skipped), new_attributes: [], txn_time: now() };
  },
});

interface Alteration {
  readonly username: string;
  readonly password: string | undefined;
  readonly role: string | undefined;
  readonly active: boolean | undefined;
}

/** These checks answer 500, unlike most others: clients know them so. */
function readAlteration(request: Readonly<Record<string, unknown>>): Alteration {
  const { username, password, role, active } = request;
  if (typeof username !== 'string' || username === '') throw refused('username is required');
  if (password === undefined && role === undefined && active === undefined)
    throw refused('nothing to update, must supply active, role or password to update');
  if (password !== undefined && (typeof password !== 'string' || password.trim() === ''))
    throw refused('password cannot be an empty string');
  if (role !== undefined && (typeof role !== 'string' || role === ''))
    throw refused('If role is specified, it cannot be empty.');
  if (active !== undefined && typeof active !== 'boolean') throw refused('active must be true or false');
  return { username, password, role, active };
}

function refused(text: string): CodedError {
  return new CodedError('invalid_request_legacy_500', text);
}
