import { CodedError } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import { rolesNamed } from '../role/role.ts';

/**
 * The id of the one role with this name; the texts are told when there is none, or more than one.
 *
 * @throws CodedError `not_found`, `already_exists`
 */
export function roleIdOf(
  store: Store,
  name: string,
  texts: { readonly none: string; readonly several: string },
): string {
  const [role, another] = rolesNamed(store, name);
  if (role === undefined) throw new CodedError('not_found', texts.none);
  if (another !== undefined) throw new CodedError('already_exists', texts.several);
  return role.id;
}

/**
 * Asks in a commit whether what was found before it still is the role of that name.
 *
 * @throws CodedError what `find` throws, or `not_found` where the name is another role's now
 */
export function stillRole(find: () => string | undefined, found: string | undefined): () => void {
  return () => {
    if (find() === found) return;
    throw new CodedError(
      'not_found',
      'The role was dropped, and another one has its name now: send it again',
    );
  };
}
