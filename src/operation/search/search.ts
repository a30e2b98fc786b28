import { z } from 'zod';
import type { Document } from '../../model/change.ts';
import type { Query } from '../../model/query.ts';
import type { Table } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';
import { readableAttributes } from '../grants.ts';
import type { OperationContext } from '../operation.ts';
import { Rows } from '../rows.ts';
import { columnsOf, projection } from './projection.ts';
import { showsEveryRecord } from './visible-document.ts';

/** Which part of the result a request wants. */
export const pageFields = {
  limit: z.int().min(1).optional(),
  offset: z.int().min(0).optional(),
  reverse: z.boolean().optional(),
};

/** The page of a request as a query has it. */
export function pageOf(request: {
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  readonly reverse?: boolean | undefined;
}): Pick<Query, 'limit' | 'offset' | 'reverse'> {
  const { limit, offset, reverse } = request;
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(offset === undefined ? {} : { offset }),
    ...(reverse === undefined ? {} : { reverse }),
  };
}

/** Runs a query; its records are read, as answers show them to the user, while they are sent. */
export function search(
  { store, user }: OperationContext,
  table: Table,
  query: Query,
  attributes: readonly string[] | undefined,
): Rows {
  const readable = readableAttributes(user, table);
  const project = projection(table, attributes, readable);
  return new Rows(columnsOf(table, attributes, readable), shownRecords(store, table, query, project));
}

function* shownRecords(
  store: Store,
  table: Table,
  query: Query,
  project: ReturnType<typeof projection>,
): Generator<Document> {
  // Hidden rows must not count: where there are some, the page is cut after they are gone.
  const isPaged = showsEveryRecord(table);
  const { limit = Infinity, offset = 0, ...unpaged } = query;
  let seen = 0;
  for (const document of store.search(table, isPaged ? query : unpaged)) {
    const shown = project(document);
    if (shown === undefined) continue;
    seen += 1;
    if (isPaged || seen > offset) yield shown;
    if (!isPaged && seen === offset + limit) return;
  }
}
