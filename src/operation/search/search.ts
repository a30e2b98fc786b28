import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { Query } from '../../model/query.ts';
import type { Table } from '../../model/table.ts';
import { estimateCap } from '../../store/search/search-plan.ts';
import type { Store } from '../../store/store.ts';
import { readableAttributes } from '../grants.ts';
import type { OperationContext } from '../operation.ts';
import { Rows } from '../rows.ts';
import { columnsOf, projection } from './projection.ts';
import { searchPage } from './search-page.ts';
import { showsEveryRecord } from './shown-document.ts';

/** Which part of the result a request wants. */
export const pageFields = {
  limit: z.int().min(1).optional(),
  offset: z.int().min(0).optional(),
  reverse: z.boolean().optional(),
  /** Asks what a search would do instead of doing it. */
  explain: z.boolean().optional(),
  /** Pages: null or '' begins, then the `cursor` of the answer before. */
  cursor: z.string().nullable().optional(),
};

/** What a request wants besides records. */
interface Manner {
  readonly explain?: boolean | undefined;
  readonly cursor?: string | null | undefined;
  readonly offset?: number | undefined;
}

/** Answers a query as the request wants it: records, a page of them with a cursor, or the plan. */
export function answerSearch(
  context: OperationContext,
  table: Table,
  query: Query,
  attributes: readonly string[] | undefined,
  { explain, cursor, offset }: Manner,
): unknown {
  if (explain === true) return explained(context.store, table, query);
  if (cursor === undefined) return search(context, table, query, attributes);
  if (offset !== undefined)
    throw new CodedError('invalid_request', "'offset' cannot be used with 'cursor', which knows its place");
  return searchPage(context, table, query, attributes, cursor ?? '');
}

function explained(store: Store, table: Table, query: Query): unknown {
  const { index, scanned, estimate, wanted } = store.plan(table, query);
  return {
    scanned,
    index: index ?? null,
    estimated_entries: estimate,
    estimate_is_capped: estimate >= estimateCap,
    wanted_indexes: wanted,
  };
}

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
): Generator<Document | undefined> {
  // Hidden rows must not count: where there are some, the page is cut after they are gone.
  const isPaged = showsEveryRecord(table);
  const { limit = Infinity, offset = 0, ...unpaged } = query;
  let seen = 0;
  for (const document of store.searchWithPauses(table, isPaged ? query : unpaged)) {
    if (document === undefined) yield undefined;
    const shown = document && project(document);
    if (shown === undefined) continue;
    seen += 1;
    if (isPaged || seen > offset) yield shown;
    if (!isPaged && seen === offset + limit) return;
  }
}
