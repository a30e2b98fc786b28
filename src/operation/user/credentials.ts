import { CodedError } from '../../model/errors.ts';
import { makeVerifier } from '../../model/scram.ts';
import type { Store } from '../../store/store.ts';
import { systemTable } from '../system-table.ts';
import { hashPassword, isPasswordHash } from './password.ts';

/** The fields of a user's row that a new password changes: the cluster user, who proves it with a verifier too, has only one. */
export async function credentials(
  store: Store,
  username: string,
  password: string,
): Promise<Readonly<Record<string, unknown>>> {
  const scram = provesPassword(store, username) ? { scram: await makeVerifier(password) } : {};
  return { ...scram, password: await hashPassword(password) };
}

/** As {@link credentials}, for what may be a hash already. @throws CodedError `invalid_request` */
export async function credentialsOfRow(
  store: Store,
  username: unknown,
  password: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (!isPasswordHash(password))
    return typeof username === 'string'
      ? credentials(store, username, password)
      : { password: await hashPassword(password) };
  if (typeof username === 'string' && provesPassword(store, username)) {
    throw new CodedError(
      'invalid_request',
      `The password of '${username}' is also what nodes join with, which no hash tells: send the password, or use alter_user`,
    );
  }
  return { password };
}

function provesPassword(store: Store, username: string): boolean {
  return store.get(systemTable(store, 'hdb_user'), username)?.['scram'] !== undefined;
}
