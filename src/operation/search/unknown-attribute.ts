import { CodedError } from '../../model/errors.ts';
import type { Table } from '../../model/table.ts';
import { knownNames } from '../../store/catalog.ts';
import { isSecret } from './shown-document.ts';

/**
 * Refuses a search by attributes that the table does not have.
 *
 * @throws CodedError `invalid_request`: `unknown attribute 'a, b and c'`
 */
export function refuseUnknownAttributes(table: Table, names: readonly string[]): void {
  const known = knownNames(table);
  const unknown = [...new Set(names)].filter((name) => !known.has(name) || isSecret(table, name));
  const last = unknown.at(-1);
  if (last === undefined) return;
  const told = unknown.length === 1 ? last : `${unknown.slice(0, -1).join(', ')} and ${last}`;
  throw new CodedError('invalid_request', `unknown attribute '${told}'`);
}
