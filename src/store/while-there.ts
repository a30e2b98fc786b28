import { CodedError } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import type { Pausing } from '../runtime/pauses.ts';
import type { Catalog } from './catalog.ts';

/**
 * What is read of a table over several turns: one that is dropped meanwhile must not look like one that ends.
 *
 * @throws CodedError `table_missing` after a pause or at the end, where the table is gone
 */
export function* whileThere<T extends object>(
  catalog: Pick<Catalog, 'tableById'>,
  { id, database, name }: Table,
  items: Pausing<T>,
): Generator<T | undefined, void, undefined> {
  const check = (): void => {
    if (catalog.tableById(id)) return;
    throw new CodedError('table_missing', `Table '${database}.${name}' was dropped while it was read`);
  };
  for (const item of items) {
    yield item;
    if (item === undefined) check();
  }
  check();
}
