import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { systemTable } from '../../../src/operation/system-table.ts';
import { findUser, type User } from '../../../src/operation/user/user.ts';
import { withoutTimes } from '../../store/test-store.ts';
import { dog, makeDogs } from '../dog.ts';
import { openContext, type TestContext } from '../open-context.ts';

/** A job as get_job shows it. */
export type ToldJob = Readonly<Record<string, unknown>> & {
  readonly status: string;
  readonly message: unknown;
};

/** A context with a table `dev.dog`, an import and an export directory. */
export interface JobContext extends TestContext {
  /** Holds `import` and `export`, and what is beside them. */
  readonly directory: string;
  /** Sends a request that starts a job, and waits for its end. */
  finish(body: Readonly<Record<string, unknown>>, user?: User): Promise<ToldJob>;
  /** Waits for the end of a job. */
  ended(id: string): Promise<ToldJob>;
  /** Rows of `dev.dog` without their timestamps. */
  dogs(): Promise<Record<string, unknown>[]>;
}

export async function openJobContext({
  minFreeDiskBytes = 0,
  ...options
}: {
  readonly allowPrivateUrls?: boolean;
  readonly exportDirectories?: readonly string[];
  readonly minFreeDiskBytes?: number;
} = {}): Promise<JobContext> {
  const directory = mkdtempSync(join(tmpdir(), 'lyre-job-'));
  const directories = { import: join(directory, 'import'), export: join(directory, 'export') };
  for (const path of Object.values(directories)) mkdirSync(path);
  const t = await openContext({
    minFreeDiskBytes,
    bulk: {
      importDirectories: [directories.import],
      exportDirectories: [directories.export],
      ...options,
    },
  });
  await makeDogs(t);
  const ended = async (id: string): Promise<ToldJob> =>
    vi.waitFor(
      async () => {
        const [job] = (await t.call({ operation: 'get_job', id })) as ToldJob[];
        if (job?.status !== 'COMPLETE' && job?.status !== 'ERROR')
          throw new Error(`Job ${id} is still ${String(job?.status)}`);
        return job;
      },
      { timeout: 60_000, interval: 10 },
    );
  return {
    ...t,
    directory,
    ended,
    async finish(body, user) {
      const started = (await t.call(body, user)) as { message: string; job_id: string };
      expect(started).toEqual({ message: `Starting job with id ${started.job_id}`, job_id: started.job_id });
      return ended(started.job_id);
    },
    async dogs() {
      const rows = (await t.call({
        operation: 'search_by_value',
        ...dog,
        attribute: 'id',
        value: '*',
      })) as Record<string, unknown>[];
      return rows.map(withoutTimes);
    },
    async [Symbol.asyncDispose]() {
      await t[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Users whose role grants nothing; a name that begins with `super` is a super user's. */
export async function makeUsers(
  { store }: JobContext,
  usernames: readonly string[],
): Promise<(name: string) => User> {
  const roles = [
    { id: 'super_user', role: 'super_user', permission: { super_user: true } },
    { id: 'plain', role: 'plain', permission: {} },
  ];
  const users = usernames.map((username) => {
    const role = username.startsWith('super') ? 'super_user' : 'plain';
    return { username, role, password: 'unused', active: true };
  });
  await store.write({ table: systemTable(store, 'hdb_role'), operation: 'upsert', documents: roles });
  await store.write({ table: systemTable(store, 'hdb_user'), operation: 'upsert', documents: users });
  return (name) => (findUser(store, name) ?? expect.fail(name)).user;
}
