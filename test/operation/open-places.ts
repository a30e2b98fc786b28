import { expect } from 'vitest';
import { systemDatabase, type Table } from '../../src/model/table.ts';
import { provideRoles } from '../../src/operation/user/put-user.ts';
import { findUser, type User } from '../../src/operation/user/user.ts';
import { MemoryReplication, openContext, type TestContext } from './open-context.ts';

/** The table that the roles are about, one beside it, and one in another database. */
export const places = ['dev.dog', 'dev.cat', 'lab.rat'] as const;
export type Place = (typeof places)[number];

const none = { read: false, insert: false, update: false, delete: false, attribute_permissions: [] };
const onDog = (granted: object): object => ({ dev: { tables: { dog: { ...none, ...granted } } } });
const attribute = { attribute_name: 'name', read: true, insert: true, update: true };
const everyRight = { read: true, insert: true, update: true, delete: true };

/** One role of each kind. */
export const roles = {
  super: { super_user: true },
  cluster: { cluster_user: true },
  none: {},
  reader: onDog({ read: true }),
  inserter: onDog({ insert: true }),
  writer: onDog({ insert: true, update: true }),
  deleter: onDog({ delete: true }),
  // May do everything with `id` and `name`; the requests below name `name` only, or `secret` too.
  attributes: onDog({ ...everyRight, attribute_permissions: [attribute] }),
  structure: { structure_user: true },
  structureOfDev: { structure_user: ['dev'] },
} as const;
export type RoleKind = keyof typeof roles;

export const roleKinds = Object.keys(roles) as readonly RoleKind[];

export interface PlacesContext extends TestContext {
  readonly users: Readonly<Record<RoleKind, User>>;
}

/** Two databases with data, and a user of each role, who is looked up as the API does. */
export async function openPlaces(): Promise<PlacesContext> {
  const t = await openContext({ replication: new MemoryReplication() });
  await provideRoles(t.store);
  for (const place of places) {
    const [schema, table] = place.split('.');
    await t.call({ operation: 'create_table', schema, table, primary_key: 'id' });
    await t.call({ operation: 'insert', schema, table, records: [{ id: 1, name: 'Rex', secret: 'x' }] });
  }
  const rows = Object.entries(roles).map(([id, permission]) => ({ id, role: id, permission }));
  await t.store.write({ table: tableOf(t, 'hdb_role'), operation: 'upsert', documents: rows });
  const logins = roleKinds.map((role) => ({ username: role, password: 'unused', role, active: true }));
  await t.store.write({ table: tableOf(t, 'hdb_user'), operation: 'upsert', documents: logins });
  const userOf = (kind: RoleKind): User => (findUser(t.store, kind) ?? expect.fail(kind)).user;
  const users = Object.fromEntries(roleKinds.map((kind) => [kind, userOf(kind)])) as Record<RoleKind, User>;
  return { ...t, users, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() };
}

function tableOf(t: TestContext, name: string): Table {
  return t.store.catalog.table(systemDatabase, name) ?? expect.fail(name);
}
