import { CodedError } from '../../model/errors.ts';
import { systemDatabase, type Table } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';
import { hashPassword } from './password.ts';

/** The two roles that every node has; their id is their name. */
export type BuiltInRole = 'super_user' | 'cluster_user';

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
    readonly extra?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { username, password, role, extra } = user;
  const roles = systemTable(store, 'hdb_role');
  if (store.get(roles, role) === undefined) {
    const row = { id: role, role, permission: { [role]: true } };
    await store.write({ table: roles, operation: 'insert', documents: [row] });
  }
  const row = { ...extra, username, password: await hashPassword(password), role, active: true };
  await store.write({ table: systemTable(store, 'hdb_user'), operation: 'upsert', documents: [row] });
}

/** Whether some user of this role exists. */
export function hasUserWithRole(store: Store, role: BuiltInRole): boolean {
  for (const row of store.search(systemTable(store, 'hdb_user'), {})) if (row['role'] === role) return true;
  return false;
}

function systemTable(store: Store, name: string): Table {
  const table = store.catalog.table(systemDatabase, name);
  if (table === undefined)
    throw new CodedError('table_missing', `Table '${systemDatabase}.${name}' does not exist`);
  return table;
}
