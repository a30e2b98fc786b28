import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { Pausing } from '../../runtime/pauses.ts';
import { isDocument } from '../field.ts';
import type { OperationContext } from '../operation.ts';
import { Rows } from '../rows.ts';
import { searchByConditions } from '../search/search-by-conditions.ts';
import { searchById } from '../search/search-by-id.ts';
import { searchByValue } from '../search/search-by-value.ts';
import { selectRows } from '../sql/select.ts';

const searches = [searchByValue, searchByConditions, searchById];

/** Records as answers show them, read while they are iterated, once. */
export interface Found {
  /** In the order of the request or of the table. */
  readonly columns: readonly string[];
  readonly documents: Pausing<Document>;
}

/**
 * What the `search_operation` of an export finds.
 *
 * @throws CodedError as the search itself
 */
export async function exportSearch(
  context: OperationContext,
  body: Readonly<Record<string, unknown>>,
): Promise<Found> {
  const named = body['operation'];
  if (named === 'sql') return exportSql(context, body['sql']);
  const search = searches.find(({ name, aliases }) => [name, ...aliases].some((known) => known === named));
  const found = await search?.execute(context, body);
  if (found instanceof Rows) return asFound(found);
  if (search !== undefined)
    throw new CodedError(
      'invalid_request',
      "'search_operation' cannot have 'explain' or 'cursor': an export holds all that is found",
    );
  const names = [...searches.flatMap(({ name, aliases }) => [name, ...aliases]), 'sql'];
  throw new CodedError(
    'invalid_request',
    `'search_operation.operation' must be one of [${names.join(', ')}]`,
  );
}

async function exportSql(context: OperationContext, text: unknown): Promise<Found> {
  if (typeof text === 'string') return asFound(await selectRows(context, text));
  throw new CodedError('invalid_request', "'search_operation.sql' must be a string");
}

function asFound(rows: Rows): Found {
  return { columns: rows.columns, documents: documentsOf(rows) };
}

function* documentsOf(rows: Rows): Generator<Document | undefined> {
  for (const row of rows.withPauses) if (row === undefined || isDocument(row)) yield row;
}
