import { setImmediate as nextTurn } from 'node:timers/promises';
import * as z from 'zod';
import type { Document, Key } from '../../model/change.ts';
import { createdTime, type Table } from '../../model/table.ts';
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
      user: context.user.username,
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
  let keys: Key[] = [];
  const remove = async (): Promise<void> => {
    found += keys.length;
    removed += await store.removeHere({ table, keys, isDoomed, user: user.username });
    keys = [];
    await job.report({ rows: removed, bytes: 0, totalBytes: null });
  };
  let seen = 0;
  for (const document of store.search(table, {})) {
    const key = document[table.primaryKey];
    if (field.isKey(key) && isDoomed(document)) keys.push(key);
    seen += 1;
    if (keys.length >= recordsAtOnce) await remove();
    else if (seen % recordsAtOnce === 0) await nextTurn();
    job.signal.throwIfAborted();
  }
  if (keys.length > 0) await remove();
  return found === 0 ? 'No records found to delete' : `${removed} of ${found} record(s) successfully deleted`;
}
