import { z } from 'zod';
import type { Document } from '../../model/change.ts';
import type { Query } from '../../model/query.ts';
import type { Table } from '../../model/table.ts';
import { readableAttributes } from '../grants.ts';
import type { OperationContext } from '../operation.ts';
import { projection } from './projection.ts';
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

/** Runs a query and returns its records as answers show them to the user. */
export function search(
  { store, user }: OperationContext,
  table: Table,
  query: Query,
  attributes: readonly string[] | undefined,
): readonly Document[] {
  const project = projection(table, attributes, readableAttributes(user, table));
  const answer: Document[] = [];
  if (showsEveryRecord(table)) {
    for (const document of store.search(table, query)) {
      const shown = project(document);
      if (shown !== undefined) answer.push(shown);
    }
    return answer;
  }
  // Hidden rows must not count, so the page is cut after they are gone.
  const { limit = Number.POSITIVE_INFINITY, offset = 0, ...unpaged } = query;
  for (const document of store.search(table, unpaged)) {
    const shown = project(document);
    if (shown !== undefined) answer.push(shown);
  }
  return answer.slice(offset, offset + limit);
}
