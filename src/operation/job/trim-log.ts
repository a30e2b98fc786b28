import * as z from 'zod';
import * as field from '../field.ts';
import { purgeStreamOf } from '../node/purge-stream.ts';
import type { OperationContext } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';
import { timestamp } from './timestamp.ts';

/** The body of an operation that shortens the log of a table. */
export const trimLogRequest = z.object({ schema: field.database, table: field.existingName, timestamp });

/**
 * Starts the job that shortens the change log of a table, and its stream; a peer that has not read so far compares
 * its table instead.
 */
export async function startTrimLog(
  context: OperationContext,
  type: string,
  { schema, table: name, timestamp: beforeMs }: z.infer<typeof trimLogRequest>,
): Promise<unknown> {
  const { store, jobs, user } = context;
  refuseSystemDatabase(schema);
  requireTable(store, schema, name);
  return jobs.submit({
    type,
    user,
    body: async ({ signal }) => {
      const table = requireTable(store, schema, name);
      await store.purgeChannel(table, { beforeSeq: store.log.firstSince(table.id, beforeMs), signal });
      await purgeStreamOf(context, table);
      return undefined;
    },
  });
}
