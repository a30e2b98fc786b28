import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import type { Store } from '../../store/store.ts';
import { record, timestamps } from '../answer.ts';
import { systemTable } from '../system-table.ts';

/** A role as stored in `system.hdb_role`. */
export interface Role {
  readonly id: string;
  readonly role: string;
  readonly permission: Readonly<Record<string, unknown>>;
}

/** A role as answers show it: with what else its row holds. */
export const roleAnswer = z.looseObject({
  id: z.string(),
  role: z.string(),
  permission: record,
  ...timestamps,
});

const roleRow = z.looseObject({
  id: z.string(),
  role: z.string(),
  permission: z.record(z.string(), z.unknown()),
});

/** The role with this id; undefined when there is none or its row is damaged. */
export function findRole(store: Store, id: string): (Role & Document) | undefined {
  return roleOf(store.get(systemTable(store, 'hdb_role'), id));
}

/** The roles with this name: one, if nobody wrote rows past add_role. */
export function rolesNamed(store: Store, name: string): readonly Role[] {
  return allRoles(store).filter(({ role }) => role === name);
}

export function allRoles(store: Store): readonly (Role & Document)[] {
  return Array.from(store.search(systemTable(store, 'hdb_role'), {}), roleOf).filter(
    (role) => role !== undefined,
  );
}

function roleOf(row: Document | undefined): (Role & Document) | undefined {
  const role = roleRow.safeParse(row);
  return role.success ? role.data : undefined;
}
