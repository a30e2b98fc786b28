import { expect, test, vi } from 'vitest';
import type { RunningJob } from '../../../src/operation/job/jobs.ts';
import { clusterUser } from '../open-context.ts';
import { dog } from '../dog.ts';
import { openJobContext } from './open-job-context.ts';

const before = { operation: 'delete_records_before', ...dog };

test('delete_records_before removes what was created before the date', async () => {
  await using t = await openJobContext();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1 }, { id: 2 }] });

  const none = await t.finish({ ...before, date: '2020-01-01' });
  const all = await t.finish({ operation: 'delete_files_before', ...dog, date: '2999-01-01T00:00:00.000Z' });

  expect(none.message).toBe('No records found to delete');
  expect(all.message).toBe('2 of 2 record(s) successfully deleted');
  expect(await t.dogs()).toEqual([]);
});

test('more records than one commit takes are all removed', async () => {
  await using t = await openJobContext();
  const records = Array.from({ length: 2_500 }, (_, id) => ({ id }));
  await t.call({ operation: 'insert', ...dog, records });

  const job = await t.finish({ ...before, date: '2999-01-01' });

  expect(job).toMatchObject({
    message: '2500 of 2500 record(s) successfully deleted',
    progress: { rows: 2_500 },
  });
  expect(await t.dogs()).toEqual([]);
});

test('the store does not grow while records are removed', async () => {
  await using t = await openJobContext();
  const text = 'x'.repeat(400);
  for (let first = 0; first < 15_000; first += 3_000) {
    const records = Array.from({ length: 3_000 }, (_, index) => ({ id: first + index, text }));
    await t.call({ operation: 'insert', ...dog, records });
  }
  const size = (): number => {
    const table = t.store.catalog.table('dev', 'dog');
    return (table && t.store.statistics(table).databaseSizeBytes) ?? expect.fail('There is no table dev.dog');
  };
  const sizeBytes = size();

  const job = await t.finish({ ...before, date: '2999-01-01' });

  expect(job.message).toBe('15000 of 15000 record(s) successfully deleted');
  expect(size()).toBeLessThan(sizeBytes * 1.2);
});

test.each([
  [{ date: 'yesterday' }, "'date' must be in ISO-8601 format (YYYY-MM-DD)"],
  [{ date: undefined }, "'date' is required"],
  [{ table: 'cat' }, "Table 'dev.cat' does not exist"],
  [{ schema: 'system', table: 'hdb_user' }, expect.stringMatching(/^The 'system' database/)],
])('delete_records_before with %j is refused before it is a job', async (change, message) => {
  await using t = await openJobContext();

  await expect(t.call({ ...before, date: '2020-01-01', ...change })).rejects.toMatchObject({ message });
  expect(t.context.jobs.all()).toEqual([]);
});

test('delete_transaction_logs_before shortens the log to what was written since', async () => {
  await using t = await openJobContext();
  const ids = async () =>
    ((await t.call({ operation: 'read_transaction_log', ...dog })) as { records: { id: number }[] }[]).map(
      ({ records }) => records[0]?.id,
    );
  for (const id of [1, 2, 3]) await t.call({ operation: 'insert', ...dog, records: [{ id }] });
  const table = t.store.catalog.table('dev', 'dog');
  const timestamp = table && t.store.log.committedAt(table.id, 3);
  const second = table && t.store.log.committedAt(table.id, 2);
  expect(await ids()).toEqual([1, 2, 3]);

  const job = await t.finish({
    operation: 'delete_transaction_log_before',
    ...dog,
    timestamp: String(timestamp),
  });

  expect(job).toMatchObject({
    status: 'COMPLETE',
    message: `Successfully completed job: ${String(job['id'])}`,
  });
  expect(await ids()).toEqual(second === timestamp ? expect.arrayContaining([2, 3]) : [3]);
  await t.finish({ operation: 'delete_transaction_logs_before', ...dog, timestamp: Date.now() + 60_000 });
  expect(await ids()).toEqual([]);
});

test('a log that is being shortened when the node stops is left as it is then', async () => {
  await using t = await openJobContext();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1 }] });
  const submit = vi.spyOn(t.context.jobs, 'submit').mockResolvedValue({ message: '', job_id: '' });

  await t.call({ operation: 'delete_transaction_logs_before', ...dog, timestamp: Date.now() + 60_000 });
  const job = { signal: AbortSignal.abort() } as RunningJob;
  const trimming = submit.mock.lastCall?.[0].body(job);

  await expect(trimming).rejects.toMatchObject({ name: 'AbortError' });
  expect(await t.call({ operation: 'read_transaction_log', ...dog })).toHaveLength(1);
});

test.each(['soon', '', -1, Number.NaN, null, undefined])('%j is no timestamp', async (timestamp) => {
  await using t = await openJobContext();

  for (const operation of ['delete_transaction_logs_before', 'delete_audit_logs_before'])
    await expect(t.call({ operation, ...dog, timestamp })).rejects.toMatchObject({
      message: expect.stringMatching(/^'timestamp' (is required|must be a number of milliseconds)/),
    });
});

test('delete_audit_logs_before shortens what read_audit_log tells', async () => {
  await using t = await openJobContext();
  await t.call({ operation: 'insert', ...dog, records: [{ id: 1 }] });
  const entries = (): Promise<unknown> => t.call({ operation: 'read_audit_log', ...dog });
  expect(await entries()).toHaveLength(1);

  const job = await t.finish({
    operation: 'delete_audit_logs_before',
    ...dog,
    timestamp: Date.now() + 60_000,
  });

  expect(job).toMatchObject({ type: 'delete_audit_logs_before', status: 'COMPLETE' });
  expect(await entries()).toEqual([]);
  expect(await t.dogs()).toEqual([{ id: 1 }]);
});

test.each([
  ['delete_records_before', 'deleteFilesBefore'],
  ['delete_transaction_logs_before', 'deleteTransactionLogsBefore'],
  ['delete_audit_logs_before', 'deleteAuditLogsBefore'],
])('%s is for super users', async (operation, told) => {
  await using t = await openJobContext();

  await expect(t.call({ operation, ...dog }, clusterUser)).rejects.toMatchObject({
    unauthorizedAccess: [`Operation '${told}' is restricted to 'super_user' roles`],
  });
});
