import { CodedError } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import { findUser, localUser, type User } from '../user/user.ts';

/**
 * Who asked for a job, with the rights of this moment: a job may wait and run for hours.
 *
 * @throws CodedError `forbidden` when there is no such user any more, another of its name, or one that is not active
 */
export function userNow(store: Store, asked: User): User {
  // Has no row.
  if (asked === localUser) return asked;
  const now = findUser(store, asked.username)?.user;
  if (now === undefined || now.createdTime !== asked.createdTime) {
    throw new CodedError(
      'forbidden',
      `User '${asked.username}' or its role was dropped after this job was asked for`,
    );
  }
  if (!now.active) throw new CodedError('forbidden', `User '${asked.username}' is not active any more`);
  return now;
}
