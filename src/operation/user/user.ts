import { z } from 'zod';
import type { Document } from '../../model/change.ts';
import { systemDatabase } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';

/** A role as stored in `system.hdb_role`. */
export interface Role {
  readonly id: string;
  readonly role: string;
  readonly permission: Readonly<Record<string, unknown>>;
}

/** Who asks. Holds nothing secret. */
export interface User {
  readonly username: string;
  readonly active: boolean;
  readonly role: Role & Document;
  readonly isSuperUser: boolean;
  readonly createdTime?: number | undefined;
  readonly updatedTime?: number | undefined;
}

/** A user with the stored hash of the password; never leaves the authenticator. */
export interface StoredUser {
  readonly user: User;
  readonly passwordHash: string;
}

const userRow = z.object({
  username: z.string(),
  password: z.string(),
  role: z.string(),
  active: z.boolean().default(true),
  __createdtime__: z.number().optional(),
  __updatedtime__: z.number().optional(),
});

const roleRow = z.looseObject({
  id: z.string(),
  role: z.string(),
  permission: z.record(z.string(), z.unknown()),
});

/** The user of that name; undefined when there is none, its row is damaged or its role is gone. */
export function findUser(store: Store, username: string): StoredUser | undefined {
  const row = userRow.safeParse(readSystemRow(store, 'hdb_user', username));
  if (!row.success) return undefined;
  const role = roleRow.safeParse(readSystemRow(store, 'hdb_role', row.data.role));
  if (!role.success) return undefined;
  return {
    user: {
      username,
      active: row.data.active,
      role: role.data,
      isSuperUser: role.data.permission['super_user'] === true,
      createdTime: row.data.__createdtime__,
      updatedTime: row.data.__updatedtime__,
    },
    passwordHash: row.data.password,
  };
}

/** Who asks over the domain socket, which only the owner of the data directory can open. */
export const localUser: User = {
  username: 'local',
  active: true,
  role: { id: 'super_user', role: 'super_user', permission: { super_user: true } },
  isSuperUser: true,
};

function readSystemRow(store: Store, table: string, key: string): Document | undefined {
  const found = store.catalog.table(systemDatabase, table);
  return found === undefined ? undefined : store.get(found, key);
}
