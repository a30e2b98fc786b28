import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { Query } from '../../model/query.ts';
import type { Table } from '../../model/table.ts';
import { heldBytes } from '../../store/search/held-bytes.ts';
import { orderOf, rank } from '../../store/search/search-order.ts';
import { inTurns } from '../../runtime/pauses.ts';
import { readableAttributes } from '../grants.ts';
import type { OperationContext } from '../operation.ts';
import { projection } from './projection.ts';

/** Records of a page for which a request sets no `limit`. */
const standardLimit = 1_000;

/** A page is held in memory: so many records, and it ends with the one that brings it to so many bytes. */
const maxPageRecords = 10_000;
const maxPageBytes = 16 * 1024 * 1024;

const place = z.object({
  query: z.string(),
  after: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

/** One page of an answer; `cursor` is null with the last one, which may be empty. */
export interface SearchPage {
  readonly records: readonly Document[];
  readonly cursor: string | null;
}

/**
 * The page after a cursor. The cursor holds the place of the last record in the order, not a number of records, so
 * what is written between two pages neither repeats nor hides a record that stays where it is.
 *
 * @throws CodedError `invalid_request` for a cursor of another query, and for a limit above {@link maxPageRecords}
 */
export async function searchPage(
  { store, user }: OperationContext,
  table: Table,
  { limit = standardLimit, ...query }: Query,
  attributes: readonly string[] | undefined,
  cursor: string,
): Promise<SearchPage> {
  if (limit > maxPageRecords)
    throw new CodedError(
      'invalid_request',
      `'limit' must be less than or equal to ${maxPageRecords} with 'cursor': ask for the next page`,
    );
  const name = nameOf(table, query);
  const after = cursor === '' ? undefined : afterOf(cursor, name);
  const project = projection(table, attributes, readableAttributes(user, table));
  const found: Document[] = [];
  let bytes = 0;
  const records = store.searchWithPauses(table, { ...query, ...(after && { after }), limit });
  for await (const document of inTurns(records)) {
    found.push(document);
    bytes += heldBytes(document);
    if (bytes >= maxPageBytes) break;
  }
  const last = found.at(-1);
  return {
    records: found.map(project).filter((shown) => shown !== undefined),
    cursor:
      last === undefined || (found.length < limit && bytes < maxPageBytes)
        ? null
        : cursorOf(name, rank(last, orderOf(query, table.primaryKey)).values),
  };
}

function cursorOf(query: string, after: readonly unknown[]): string {
  return Buffer.from(JSON.stringify({ query, after })).toString('base64url');
}

function afterOf(cursor: string, query: string): z.infer<typeof place>['after'] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    value = undefined;
  }
  const parsed = place.safeParse(value);
  if (!parsed.success || parsed.data.query !== query)
    throw new CodedError('invalid_request', "'cursor' must be that of an answer to the same search");
  return parsed.data.after;
}

/** The same for the same search of the same table. */
function nameOf(table: Table, { where, sort, reverse = false }: Query): string {
  const text = JSON.stringify([table.id, where ?? null, sort ?? null, reverse]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
