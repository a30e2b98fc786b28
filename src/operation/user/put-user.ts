import type { Store } from '../../store/store.ts';
import { systemTable } from '../system-table.ts';
import { hashPassword } from './password.ts';

/** The two roles that every node has; their id is their name. */
export type BuiltInRole = 'super_user' | 'cluster_user';

/** Stores the built-in roles that are missing. */
export async function provideRoles(store: Store): Promise<void> {
  const roles: readonly BuiltInRole[] = ['super_user', 'cluster_user'];
  const table = systemTable(store, 'hdb_role');
  const documents = roles
    .filter((role) => store.get(table, role) === undefined)
    .map((role) => ({ id: role, role, permission: { [role]: true } }));
  if (documents.length > 0) await store.write({ table, operation: 'insert', documents });
}

/**
 * Creates or replaces a user with a built-in role, and the role when it is missing. `extra` fields (such as a
 * SCRAM verifier) are stored with the row; no operation ever shows them.
 */
export async function putUser(
  store: Store,
  user: {
    readonly username: string;
    readonly password: string;
    readonly role: BuiltInRole;
    /** Default: true. */
    readonly active?: boolean | undefined;
    readonly extra?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { username, password, role, active = true, extra } = user;
  await provideRoles(store);
  const row = { ...extra, username, password: await hashPassword(password), role, active };
  await store.write({ table: systemTable(store, 'hdb_user'), operation: 'upsert', documents: [row] });
}

/** Whether some user of this role exists. */
export function hasUserWithRole(store: Store, role: BuiltInRole): boolean {
  for (const row of store.search(systemTable(store, 'hdb_user'), {})) if (row['role'] === role) return true;
  return false;
}
