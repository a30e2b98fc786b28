import { z } from 'zod';
import type { Document } from '../../model/change.ts';
import { createdTime, updatedTime } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';
import { findRole, type Role } from '../role/role.ts';
import { systemTable } from '../system-table.ts';

/** Who asks. Holds nothing secret. */
export interface User {
  readonly username: string;
  readonly active: boolean;
  readonly role: Role & Document;
  readonly isSuperUser: boolean;
  readonly createdTime?: number | undefined;
  readonly updatedTime?: number | undefined;
}

/** A user with the stored hashes of the password and of the last refresh token; never leaves the authentication. */
export interface StoredUser {
  readonly user: User;
  readonly passwordHash: string;
  readonly refreshTokenHash: string | undefined;
}

const userRow = z.object({
  username: z.string(),
  password: z.string(),
  role: z.string(),
  active: z.boolean().default(true),
  refresh_token: z.string().optional(),
  __createdtime__: z.number().optional(),
  __updatedtime__: z.number().optional(),
});

/** The user of that name; undefined when there is none, its row is damaged or its role is gone. */
export function findUser(store: Store, username: string): StoredUser | undefined {
  return readUser(store, store.get(systemTable(store, 'hdb_user'), username));
}

/** Every user whose row and role can be read. */
export function allUsers(store: Store): readonly User[] {
  return Array.from(
    store.search(systemTable(store, 'hdb_user'), {}),
    (row) => readUser(store, row)?.user,
  ).filter((user) => user !== undefined);
}

/** A user as answers show it. */
export function shownUser({ username, active, role, ...user }: User): Readonly<Record<string, unknown>> {
  return {
    username,
    active,
    role,
    ...(user.createdTime === undefined ? {} : { [createdTime]: user.createdTime }),
    ...(user.updatedTime === undefined ? {} : { [updatedTime]: user.updatedTime }),
  };
}

/** Who asks over the domain socket, which only the owner of the data directory can open. */
export const localUser: User = {
  username: 'local',
  active: true,
  role: { id: 'super_user', role: 'super_user', permission: { super_user: true } },
  isSuperUser: true,
};

/** Who has not said who they are. */
export const stranger: User = {
  username: '',
  active: false,
  role: { id: '', role: '', permission: {} },
  isSuperUser: false,
};

function readUser(store: Store, document: Document | undefined): StoredUser | undefined {
  const row = userRow.safeParse(document);
  if (!row.success) return undefined;
  const role = findRole(store, row.data.role);
  if (role === undefined) return undefined;
  return {
    user: {
      username: row.data.username,
      active: row.data.active,
      role,
      isSuperUser: role.permission['super_user'] === true,
      createdTime: row.data.__createdtime__,
      updatedTime: row.data.__updatedtime__,
    },
    passwordHash: row.data.password,
    refreshTokenHash: row.data.refresh_token,
  };
}
