import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { ConditionGroup } from '../../model/query.ts';
import type { Table } from '../../model/table.ts';
import { inTurns } from '../../runtime/pauses.ts';
import type { OperationContext } from '../operation.ts';
import { Rows } from '../rows.ts';
import { conditionAttributes } from '../search/conditions.ts';
import { search } from '../search/search.ts';
import { sortAttributes } from '../search/sort.ts';
import { refuseUnknownAttributes } from '../search/unknown-attribute.ts';
import { requireTable } from '../table-lookup.ts';
import { parseStatement, type Statement } from './statement.ts';

type Select = Extract<Statement, { kind: 'select' }>;

/** What a SELECT finds. @throws CodedError `invalid_request`, also for another statement */
export async function selectRows(context: OperationContext, text: string): Promise<Rows> {
  const statement = await parseStatement(text);
  if (statement.kind === 'select')
    return select(context, requireTable(context.store, statement.database, statement.table), statement);
  throw new CodedError('invalid_request', "'sql' must be a SELECT here");
}

export async function select(context: OperationContext, table: Table, statement: Select): Promise<Rows> {
  const { columns, where, sort, limit, offset } = statement;
  const named = Array.isArray(columns) ? columns : [];
  refuseUnknownAttributes(table, [
    ...named.map(({ attribute }) => attribute),
    ...conditionAttributes(where?.conditions ?? []),
    ...sortAttributes(sort),
  ]);
  if (columns !== 'all' && 'countAs' in columns) {
    const { countAs } = columns;
    // LIMIT and OFFSET are about the answer, which is one row.
    if (limit === 0 || offset > 0) return new Rows([countAs], []);
    return new Rows([countAs], [{ [countAs]: await countOf(context, table, where) }]);
  }
  const shown = named.map(({ shownAs }) => shownAs);
  if (limit === 0) return new Rows(shown, []);
  const query = {
    ...(where === undefined ? {} : { where }),
    ...(sort === undefined ? {} : { sort }),
    ...(limit === undefined ? {} : { limit }),
    offset,
  };
  if (columns === 'all') return search(context, table, query, undefined);
  const attributes = named.map(({ attribute }) => attribute);
  const rows = search(context, table, query, attributes);
  return new Rows(shown, renamed(rows, named));
}

function* renamed(
  rows: Rows,
  columns: readonly { readonly attribute: string; readonly shownAs: string }[],
): Generator<Document | undefined> {
  for (const row of rows.withPauses) {
    const values = row as Document | undefined;
    yield values && Object.fromEntries(columns.map(({ attribute, shownAs }) => [shownAs, values[attribute]]));
  }
}

async function countOf(
  context: OperationContext,
  table: Table,
  where: ConditionGroup | undefined,
): Promise<number> {
  const rows = search(context, table, where === undefined ? {} : { where }, [table.primaryKey]);
  let count = 0;
  for await (const _ of inTurns(rows.withPauses)) count += 1;
  return count;
}
