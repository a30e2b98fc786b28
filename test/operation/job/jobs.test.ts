import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { forgottenJobs } from '../../../src/operation/job/finished-jobs.ts';
import { jobAnswer, type JobRow } from '../../../src/operation/job/job-row.ts';
import { Jobs, type RunningJob } from '../../../src/operation/job/jobs.ts';
import { pino } from 'pino';
import { CodedError } from '../../../src/model/errors.ts';
import { Rows } from '../../../src/operation/rows.ts';
import { runOperation } from '../../../src/operation/run-operation.ts';
import { systemTable } from '../../../src/operation/system-table.ts';
import { requireTable } from '../../../src/operation/table-lookup.ts';
import { ForbiddenError } from '../../../src/operation/refusals.ts';
import { deferred } from '../../../src/runtime/deferred.ts';
import { documentsOf, makeTable, tableOf, TestStore } from '../../store/test-store.ts';
import { localUser, type User } from '../../../src/operation/user/user.ts';
import { clusterUser } from '../open-context.ts';
import { makeUsers, openJobContext } from './open-job-context.ts';

const log = pino({ level: 'silent' });

test('jobs run one after another, in the order in which they came', async () => {
  await using t = await openJobContext();
  const order: string[] = [];
  const job = (name: string) =>
    t.context.jobs.submit({
      type: 'test',
      user: localUser,
      body: async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} ends`);
        return name;
      },
    });

  const ids = [(await job('a')).job_id, (await job('b')).job_id];

  expect(await Promise.all(ids.map((id) => t.ended(id)))).toMatchObject([{ message: 'a' }, { message: 'b' }]);
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test.each([
  [async () => undefined, 'COMPLETE', /^Successfully completed job: [0-9a-f-]{36}$/],
  [async () => 'done', 'COMPLETE', /^done$/],
  [() => Promise.reject(new CodedError('invalid_request', 'no')), 'ERROR', /^no$/],
  [() => Promise.reject(new Error('secret')), 'ERROR', /^There was an error processing your request/],
])('the row says how a job ended (%#)', async (body, status, message) => {
  await using t = await openJobContext();

  const { job_id: id } = await t.context.jobs.submit({ type: 'test', user: localUser, body });

  expect(await t.ended(id)).toMatchObject({ status, message: expect.stringMatching(message) });
});

test('a refusal within a job is told whole', async () => {
  await using t = await openJobContext();
  const body = () => Promise.reject(new ForbiddenError({ invalidSchemaItems: ['Attribute x'] }));

  const { job_id: id } = await t.context.jobs.submit({ type: 'test', user: localUser, body });

  expect((await t.ended(id)).message).toEqual({
    error: 'This operation is not authorized due to role restrictions and/or invalid database items',
    unauthorized_access: [],
    invalid_schema_items: ['Attribute x'],
  });
});

test('of a long reason the beginning is kept, and how much there is of a refusal', async () => {
  await using t = await openJobContext();
  const items = (count: number) =>
    Array.from({ length: count }, (_, index) => `n${index} ${'🐕'.repeat(500)}`);
  const messageOf = async (error: CodedError): Promise<unknown> => {
    const body = () => Promise.reject(error);
    return (await t.ended((await t.context.jobs.submit({ type: 'test', user: localUser, body })).job_id))
      .message;
  };
  const access = {
    ...{ schema: 'dev', table: 'dog', required_table_permissions: [] },
    required_attribute_permissions: items(30).map((attribute_name) => ({
      attribute_name,
      required_permissions: ['insert'] as const,
    })),
  };

  const text = await messageOf(new CodedError('invalid_request', 'x'.repeat(2 ** 20)));
  const refusal = (await messageOf(
    new ForbiddenError({ invalidSchemaItems: items(50_000), unauthorizedAccess: [access] }),
  )) as {
    readonly invalid_schema_items: readonly string[];
    readonly unauthorized_access: readonly (typeof access)[];
  };

  expect(text).toBe(`${'x'.repeat(2_000)}…`);
  expect(refusal.invalid_schema_items).toHaveLength(21);
  expect(refusal.invalid_schema_items[0]).toBe(`n0 ${'🐕'.repeat(148)}…`);
  expect(refusal.invalid_schema_items.at(-1)).toBe('and 49980 more');
  expect(refusal.unauthorized_access[0]?.required_attribute_permissions).toHaveLength(21);
  expect(refusal.unauthorized_access[0]?.required_attribute_permissions.at(-1)).toEqual({
    attribute_name: 'and 10 more',
    required_permissions: [],
  });
  expect(JSON.stringify(refusal).length).toBeLessThan(16_384);
});

test('a job that runs tells its rate and when it will be done', async () => {
  let nowMs = 1_000_000;
  await using opened = await TestStore.open();
  await using jobs = await Jobs.open({ store: opened.store, now: () => nowMs, log });
  const begun = deferred<RunningJob>();
  const end = deferred<undefined>();
  const { job_id: id } = await jobs.submit({
    type: 'test',
    user: localUser,
    body: (job) => {
      begun.resolve(job);
      return end.promise;
    },
  });
  const running = await begun.promise;
  nowMs += 2_000;
  await running.report({ rows: 500, bytes: 100, totalBytes: 400 });

  const row = jobs.get(id);

  expect(row && jobAnswer(row, nowMs)).toMatchObject({
    status: 'IN_PROGRESS',
    progress: { rows: 500, bytes: 100, total_bytes: 400, rate: 250, eta: 6_000 },
  });
  end.resolve(undefined);
});

test('a job for super users that waits is refused when its user is none any more', async () => {
  await using t = await openJobContext();
  const userOf = await makeUsers(t, ['super', 'super who stays one']);
  const begin = deferred<undefined>();
  const ran: string[] = [];
  const submit = (user: User, name: string) =>
    t.context.jobs.submit({
      type: 'export_local',
      user,
      body: async () => {
        ran.push(name);
        return begin.promise;
      },
    });
  await submit(localUser, 'first');
  const waiting = await submit(userOf('super'), 'waiting');

  await t.store.write({
    table: systemTable(t.store, 'hdb_user'),
    operation: 'update',
    documents: [{ username: 'super', role: 'plain' }],
  });
  begin.resolve(undefined);

  expect(await t.ended(waiting.job_id)).toMatchObject({
    status: 'ERROR',
    message: { unauthorized_access: ["Operation 'export_local' is restricted to 'super_user' roles"] },
  });
  expect(ran).toEqual(['first']);
});

test('a load that a stop of the node interrupts is failed at the next start, at the row that the table has', async () => {
  await using opened = await TestStore.open();
  await makeTable(opened.store);
  let jobs = await Jobs.open({ store: opened.store, now: Date.now, log });
  const rows = 100;
  const submit = (): Promise<{ readonly job_id: string }> =>
    jobs.submit({
      type: 'csv_data_load',
      user: localUser,
      body: async (job) => {
        for (let id = 1; id <= rows; id += 1) {
          job.signal.throwIfAborted();
          await opened.store.transact(
            [
              { table: tableOf(opened.store), operation: 'insert', documents: [{ id }] },
              job.progressStep({ rows: id, bytes: id, totalBytes: rows }),
            ],
            'local',
          );
        }
        return 'not interrupted';
      },
    });
  const running = await submit();
  const waiting = await submit();
  await vi.waitFor(() => expect(documentsOf(opened.store).length).toBeGreaterThan(3), {
    interval: 1,
    timeout: 10_000,
  });

  await jobs[Symbol.asyncDispose]();
  const reached = documentsOf(opened.store).length;
  await opened.reopen();
  jobs = await Jobs.open({ store: opened.store, now: Date.now, log });

  expect(reached).toBeLessThan(rows);
  expect(documentsOf(opened.store)).toHaveLength(reached);
  expect(jobs.get(running.job_id)).toMatchObject({
    status: 'ERROR',
    message: `The node stopped while this job ran, after row ${reached}; what it did until then is kept`,
    progress: { rows: reached },
    end_datetime: expect.any(Number),
  });
  expect(jobs.get(waiting.job_id)).toMatchObject({
    status: 'ERROR',
    message: 'The node stopped before this job began; start it again',
  });
  await jobs[Symbol.asyncDispose]();
});

test('what a killed process was writing is removed at the next start, and nothing else', async () => {
  await using opened = await TestStore.open();
  const directory = join(opened.directory.path, 'partial');
  mkdirSync(directory);
  const rows = ['mine', 'other'].map((id) => {
    const file = join(directory, id === 'mine' ? `dogs.json.${id}.partial` : 'dogs.json');
    writeFileSync(file, '[');
    return { id, file };
  });
  for (const { id, file } of rows)
    await opened.store.replaceSystemDocument('hdb_job', id, {
      ...{ id, type: 'export_local', user: 'local', status: 'IN_PROGRESS', message: null },
      ...{ created_datetime: 1, start_datetime: 1, end_datetime: null, scratch_file: file },
    });

  await using jobs = await Jobs.open({ store: opened.store, now: () => 2, log });

  expect(readdirSync(directory)).toEqual(['dogs.json']);
  const row = jobs.get('mine') ?? expect.fail('There is no job');
  expect(row.status).toBe('ERROR');
  expect(jobAnswer(row, 2)).not.toHaveProperty('scratch_file');
});

const dayMs = 86_400_000;

function endedJob(id: string, end: number): JobRow {
  return {
    ...{ id, type: 'test', user: 'local', status: 'COMPLETE', message: null },
    ...{ created_datetime: end, start_datetime: end, end_datetime: end },
  };
}

test('finished jobs are forgotten after 30 days', async () => {
  await using opened = await TestStore.open();
  const rows = [endedJob('long ago', 70 * dayMs), endedJob('lately', 70 * dayMs + 1)];
  for (const row of rows) await opened.store.replaceSystemDocument('hdb_job', row.id, row);

  await using jobs = await Jobs.open({ store: opened.store, now: () => 100 * dayMs, log });

  await vi.waitFor(() => expect(jobs.all().map(({ id }) => id)).toEqual(['lately']), 10_000);
});

test('of more than 10,000 finished jobs the oldest are forgotten, and none that is not finished', () => {
  const waiting: JobRow = { ...endedJob('waiting', 0), status: 'CREATED', end_datetime: null };
  const finished = Array.from({ length: 10_002 }, (_, index) => endedJob(`${index}`, index));

  expect(forgottenJobs([waiting, ...finished], dayMs)).toEqual(['0', '1']);
});

test('get_job needs an id and knows nothing of an unknown one', async () => {
  await using t = await openJobContext();

  await expect(t.call({ operation: 'get_job' })).rejects.toMatchObject({ message: "'id' is required" });
  expect(await t.call({ operation: 'get_job', id: 'x' }, clusterUser)).toEqual([]);
});

test('what jobs tell is in memory only while it is answered', async () => {
  await using t = await openJobContext();
  const submit = () => t.context.jobs.submit({ type: 'test', user: localUser, body: async () => 'told' });
  const jobs = [await submit(), await submit()];
  for (const { job_id: id } of jobs) await t.ended(id);
  const [first, second] = jobs.map(({ job_id: id }) => id);

  const answer = await runOperation(t.context, {
    operation: 'search_jobs_by_start_date',
    from_date: '2020-01-01',
    to_date: '9999-01-01',
  });
  await t.store.delete({ table: requireTable(t.store, 'system', 'hdb_job'), keys: [first ?? ''] });

  expect(t.context.jobs.all()[0]).not.toHaveProperty('message');
  expect(answer).toBeInstanceOf(Rows);
  expect([...(answer as Rows)]).toMatchObject([{ id: second, message: 'told' }]);
});

test('search_jobs_by_start_date lists the jobs between two dates, for super users', async () => {
  await using t = await openJobContext();
  const { job_id: id } = await t.context.jobs.submit({
    type: 'test',
    user: localUser,
    body: async () => 'a',
  });
  const job = await t.ended(id);
  const search = (from_date: unknown, to_date: unknown, user?: typeof clusterUser) =>
    t.call({ operation: 'search_jobs_by_start_date', from_date, to_date }, user);

  expect(await search('2020-01-01', '9999-01-01T00:00:00.000+00:00')).toEqual([job]);
  expect(await search('2020-01-01', '2020-01-02')).toEqual([]);
  for (const wrong of ['yesterday', '01/02/2020', 5, '2020-13-01'])
    await expect(search(wrong, '2020-01-02')).rejects.toMatchObject({
      message: "Invalid 'from' date, must be in ISO-8601 format (YYYY-MM-DD).",
    });
  await expect(search('2020-01-02', '')).rejects.toMatchObject({
    message: "Invalid 'to' date, must be in ISO-8601 format (YYYY-MM-DD).",
  });
  await expect(search('2020-01-01', '2020-01-02', clusterUser)).rejects.toMatchObject({
    unauthorizedAccess: ["Operation 'handleGetJobsByStartDate' is restricted to 'super_user' roles"],
  });
});
