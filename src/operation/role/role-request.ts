import * as z from 'zod';
import type { Store } from '../../store/store.ts';
import { anyObject, anyText, refusedWithout } from '../field.ts';
import { checkRole } from './role-problems.ts';

const roleFields = {
  id: anyText.optional(),
  role: anyText.optional(),
  permission: refusedWithout(anyObject),
};

/** The bodies of add_role and alter_role: read here, checked as a whole so that the answer tells all that is wrong. */
export const newRole = z.looseObject({ ...roleFields, role: refusedWithout(anyText) });
export const changedRole = z.looseObject({ ...roleFields, id: refusedWithout(anyText) });

/** A role as it was asked for. */
export interface AskedRole {
  readonly id: string | undefined;
  readonly role: string | undefined;
  readonly permission: Readonly<Record<string, unknown>>;
}

const name = z.string().regex(/^[\w-]{1,250}$/);
const fields = z.object({
  id: name.optional(),
  role: name.optional(),
  permission: z.record(z.string(), z.unknown()),
});

/** @throws RolePermissionError */
export function readAskedRole(
  store: Store,
  request: { readonly id?: unknown; readonly role?: unknown; readonly permission?: unknown },
  required: 'id' | 'role',
): AskedRole {
  const problems: string[] = [];
  if (isBlank(request[required])) problems.push(`${titleOf(required)} can't be blank`);
  for (const field of ['id', 'role'] as const) {
    if (!isBlank(request[field]) && !name.safeParse(request[field]).success)
      problems.push(`${titleOf(field)} can only contain letters, digits, dashes and underscores`);
  }
  if (isBlank(request.permission)) problems.push("Permission can't be blank");
  else if (!fields.shape.permission.safeParse(request.permission).success)
    problems.push('Permission must be an object');
  const unknown = Object.keys(request).filter(
    (key) => !['operation', 'id', 'role', 'permission'].includes(key),
  );
  if (unknown.length > 0) {
    problems.push(`Invalid ${unknown.length > 1 ? 'keys' : 'key'} in JSON body - '${unknown.join("', '")}'`);
  }
  checkRole(store, request.permission, problems);
  const { id, role, permission } = fields.parse({
    permission: request.permission,
    ...(isBlank(request.id) ? {} : { id: request.id }),
    ...(isBlank(request.role) ? {} : { role: request.role }),
  });
  return { id, role, permission };
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function titleOf(field: 'id' | 'role'): string {
  return field === 'id' ? 'Id' : 'Role';
}
