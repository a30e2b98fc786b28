import { expect, test, vi } from 'vitest';
import { WaitingJobs } from '../../../src/operation/job/waiting-jobs.ts';
import { localUser } from '../../../src/operation/user/user.ts';
import { deferred } from '../../../src/runtime/deferred.ts';
import { dog } from '../dog.ts';
import { makeUsers, openJobContext } from './open-job-context.ts';

test('more than a hundred waiting jobs are refused and leave no row', async () => {
  await using t = await openJobContext();
  const end = deferred<undefined>();
  const submit = () => t.context.jobs.submit({ type: 'test', user: localUser, body: () => end.promise });
  for (let count = 0; count < 100; count += 1) await submit();

  await expect(submit()).rejects.toMatchObject({ code: 'unavailable' });
  expect(t.context.jobs.all()).toHaveLength(100);
  end.resolve(undefined);
});

test('a user has 20 jobs in a lane, and keeps nobody from the others', async () => {
  await using t = await openJobContext();
  const userOf = await makeUsers(t, ['ann', 'bob', 'cid', 'dan', 'fay']);
  const end = deferred<undefined>();
  const submit = (username: string, lane: 'jobs' | 'downloads') =>
    t.context.jobs.submit({
      ...{ type: 'test', user: userOf(username), needs: [], lane },
      body: () => end.promise,
    });
  for (let count = 0; count < 20; count += 1) await submit('ann', 'downloads');

  await expect(submit('ann', 'downloads')).rejects.toMatchObject({
    code: 'unavailable',
    message: '20 of your jobs are waiting already; try again when some are done',
  });
  for (const username of ['bob', 'cid', 'dan'])
    for (let count = 0; count < 20; count += 1) await submit(username, 'downloads');
  await expect(submit('fay', 'downloads')).rejects.toMatchObject({
    code: 'unavailable',
    message: '80 jobs are waiting already; try again when some are done',
  });
  await submit('ann', 'jobs');
  await submit('fay', 'jobs');
  end.resolve(undefined);
});

test('jobs of others leave room for those of super users, and for what these hold', async () => {
  await using t = await openJobContext();
  const userOf = await makeUsers(t, ['ann', 'bob', 'cid', 'dan', 'super']);
  const end = deferred<undefined>();
  const mebibyte = 2 ** 20;
  const submit = (username: string, heldBytes: number) =>
    t.context.jobs.submit({
      ...{ type: 'test', user: userOf(username), needs: [], heldBytes },
      body: () => end.promise,
    });
  await submit('ann', 300 * mebibyte);
  for (const username of ['ann', 'bob', 'cid', 'dan'])
    for (let count = username === 'ann' ? 1 : 0; count < 20; count += 1) await submit(username, 0);

  for (let count = 0; count < 8; count += 1) await submit('super', 8 * mebibyte);
  await expect(submit('super', 1)).rejects.toMatchObject({ code: 'unavailable' });
  for (let count = 8; count < 20; count += 1) await submit('super', 0);
  await expect(submit('super', 0)).rejects.toMatchObject({
    code: 'unavailable',
    message: '100 jobs are waiting already; try again when some are done',
  });
  end.resolve(undefined);
});

test('what jobs of others hold together leaves 64 MiB of the 256 to super users', () => {
  const waiting = new WaitingJobs<string>();
  const add = (username: string, mebibytes: number) =>
    waiting.add({
      ...{ id: username, user: { ...localUser, username, isSuperUser: username === 'super' } },
      ...{ body: '', lane: 'jobs', heldBytes: mebibytes * 2 ** 20 },
    });
  add('ann', 100);

  expect(() => add('bob', 93)).toThrow('The jobs that wait may hold 192 MiB:');
  add('bob', 92);
  add('super', 64);
  expect(() => add('super', 1)).toThrow('The jobs that wait may hold 256 MiB:');
});

test('users take turns', async () => {
  await using t = await openJobContext();
  const userOf = await makeUsers(t, ['ann', 'bob', 'cid']);
  const begin = deferred<undefined>();
  const order: string[] = [];
  const submit = (username: string) =>
    t.context.jobs.submit({
      ...{ type: 'test', user: userOf(username), needs: [] },
      body: async () => {
        order.push(username);
        return begin.promise;
      },
    });
  for (const username of ['ann', 'ann', 'ann', 'bob', 'bob']) await submit(username);
  await vi.waitFor(() => expect(order).toEqual(['ann']));
  const last = await submit('cid');
  begin.resolve(undefined);

  await t.ended(last.job_id);
  await vi.waitFor(() => expect(order).toEqual(['ann', 'bob', 'cid', 'ann', 'bob', 'ann']));
});

test('jobs that hold more than 256 MiB together are refused until one ends; one alone is accepted', async () => {
  await using t = await openJobContext();
  const mebibyte = 2 ** 20;
  const ends: (() => void)[] = [];
  const submit = (heldBytes: number): Promise<{ readonly job_id: string }> => {
    const end = deferred<undefined>();
    ends.push(() => end.resolve(undefined));
    return t.context.jobs.submit({ type: 'test', user: localUser, body: () => end.promise, heldBytes });
  };
  const load = (): Promise<unknown> => t.call({ operation: 'csv_data_load', ...dog, data: 'id\n1\n' });
  const refusal = {
    code: 'unavailable',
    message:
      'The jobs that wait may hold 256 MiB: try again when some are done, or use csv_file_load or csv_url_load',
  };

  const large = await submit(300 * mebibyte);
  await expect(submit(1)).rejects.toMatchObject(refusal);
  await submit(0);
  ends[0]?.();
  await t.ended(large.job_id);
  await vi.waitFor(() => submit(256 * mebibyte - 6), { interval: 1, timeout: 10_000 });
  await load();
  await expect(load()).rejects.toMatchObject(refusal);

  expect(t.context.jobs.all()).toHaveLength(4);
  for (const end of ends) end();
});
