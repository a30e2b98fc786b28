import { CodedError } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import { allUsers } from './user.ts';

/** From here on the last active super user stays one, whatever way a request takes: nobody could make another. */
export function keepSuperUser(store: Store): void {
  store.guard({
    tables: new Set(['hdb_user', 'hdb_role']),
    holds: () => allUsers(store).some(({ active, isSuperUser }) => active && isSuperUser),
    refusal: () =>
      new CodedError(
        'in_use',
        'This would leave no active super user: add or activate another one, then try again',
      ),
  });
}
