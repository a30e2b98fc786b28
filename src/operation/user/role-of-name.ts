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
