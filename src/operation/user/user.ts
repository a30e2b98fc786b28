import { createHash } from 'node:crypto';
import * as z from 'zod';
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
  /** Tells the password of a stored user from the next one, and nothing about either. */
  readonly credential?: string;
  readonly createdTime?: number | undefined;
  readonly updatedTime?: number | undefined;
}

/** Who has a token or a session. */
export interface Holder {
  readonly user: User;
  /** When it is over, in milliseconds since 1970. */
  readonly endsAtMs: number;
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
  const row = userRow.safeParse(store.get(systemTable(store, 'hdb_user'), username));
  const role = row.success ? findRole(store, row.data.role) : undefined;
  if (!row.success || role === undefined) return undefined;
  return {
    user: { ...userOf(row.data, role), credential: credentialOf(row.data.password) },
    passwordHash: row.data.password,
    refreshTokenHash: row.data.refresh_token,
  };
}

/** The stored user as it is now; undefined where it is gone, or has another password than the one that was proved. */
export function findProved(
  store: Store,
  user: Pick<User, 'username' | 'credential'>,
): StoredUser | undefined {
  const stored = findUser(store, user.username);
  return stored?.user.credential === user.credential ? stored : undefined;
}

function credentialOf(passwordHash: string): string {
  return createHash('sha256').update(passwordHash).digest('base64url').slice(0, 22);
}

/** Every user whose row can be read; one whose role is gone has an empty one, and cannot log in. */
export function allUsers(store: Store): readonly User[] {
  const users: User[] = [];
  for (const document of store.search(systemTable(store, 'hdb_user'), {})) {
    const row = userRow.safeParse(document);
    if (!row.success) continue;
    const { role: id } = row.data;
    users.push(userOf(row.data, findRole(store, id) ?? { id, role: id, permission: {} }));
  }
  return users;
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

function userOf(row: z.infer<typeof userRow>, role: Role & Document): User {
  return {
    username: row.username,
    active: row.active,
    role,
    isSuperUser: role.permission['super_user'] === true,
    createdTime: row.__createdtime__,
    updatedTime: row.__updatedtime__,
  };
}
