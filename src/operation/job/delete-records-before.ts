import { setImmediate as nextTurn } from 'node:timers/promises';
import * as z from 'zod';
import type { Document, Key } from '../../model/change.ts';
import { createdTime, type Table } from '../../model/table.ts';
import type { Store } from '../../store/store.ts';
import * as field from '../field.ts';
import { isoDateMs } from '../iso-date.ts';
import { jobStartedAnswer } from '../answer.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';
import type { JobOutcome, RunningJob } from './jobs.ts';

const date = z
  .unknown()
  .transform((value, context): number => {
    const ms = isoDateMs(value);
    if (ms !== undefined) return ms;
    context.addIssue({
      code: 'custom',
      message: value === undefined ? 'is required' : 'must be in ISO-8601 format (YYYY-MM-DD)',
    });
    return z.NEVER;
  })
  .meta({ type: 'string', format: 'date-time' });

const recordsAtOnce = 1_000;

/**
 * Removes the records that were created before a date, from this node only: peers keep theirs and do not send
 * them again. See `LocalRemoval` of the store for what that means for the disk.
 */
export const deleteRecordsBefore = defineOperation({
  name: 'delete_records_before',
  aliases: ['delete_files_before'],
  refusalName: 'deleteFilesBefore',
  permission: 'super_user',
  request: z.object({ schema: field.databaseOfWrite, table: field.tableOfWrite, date }),
  response: jobStartedAnswer,
  async run(context, { schema, table: name, date: beforeMs }) {
    refuseSystemDatabase(schema);
    requireTable(context.store, schema, name);
    return context.jobs.submit({
      type: 'delete_records_before',
      user: context.user,
      body: (job) => removeBefore(context, job, requireTable(context.store, schema, name), beforeMs),
    });
  },
});

async function removeBefore(
  { store, user }: OperationContext,
  job: RunningJob,
  table: Table,
  beforeMs: number,
): Promise<JobOutcome> {
  const isDoomed = (document: Document): boolean => {
    const created = document[createdTime];
    return typeof created === 'number' && created < beforeMs;
  };
  let found = 0;
  let removed = 0;
  const doomed: Key[] = [];
  const remove = async (): Promise<void> => {
    const keys = doomed.splice(0, recordsAtOnce);
    found += keys.length;
    removed += await store.removeHere({ table, keys, isDoomed, user: user.username });
    await job.report({ rows: removed, bytes: 0, totalBytes: null });
  };
  let after: Key | undefined;
  for (;;) {
    const before: Key | undefined = after;
    const documents = stretchAfter(store, table, before);
    if (documents.length === 0) break;
    for (const document of documents) {
      const key = document[table.primaryKey];
      if (!field.isKey(key)) continue;
      after = key;
      if (isDoomed(document)) doomed.push(key);
    }
    if (after === before)
      throw new Error(
        `Records without a primary key come after '${String(before)}': nothing behind them was removed`,
      );
    while (doomed.length >= recordsAtOnce) await remove();
    await nextTurn();
    job.signal.throwIfAborted();
  }
  if (doomed.length > 0) await remove();
  return found === 0 ? 'No records found to delete' : `${removed} of ${found} record(s) successfully deleted`;
}

/**
 * The next documents of a table, as many as are read in one turn. No page of the store that commits replace is used
 * again while somebody reads on, so what removes as it reads would make the store larger.
 */
function stretchAfter(store: Store, table: Table, after: Key | undefined): Document[] {
  const documents: Document[] = [];
  for (const document of store.searchWithPauses(table, after === undefined ? {} : { after: [after] })) {
    if (document) documents.push(document);
    else if (documents.length > 0) break;
  }
  return documents;
}
