import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NodeClient } from '../../src/cli/node-client.ts';
import { loadClientConfig } from '../../src/config/client-config.ts';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A node as users run it, without peers, which can be killed and started again. */
class KillableNode implements AsyncDisposable {
  readonly rootPath = mkdtempSync(join(tmpdir(), 'lyre-kill-'));
  #child: ChildProcess | undefined;

  async start(): Promise<void> {
    const child = spawn(process.execPath, [program, 'start'], {
      cwd: this.rootPath,
      env: {
        PATH: process.env['PATH'],
        ROOTPATH: this.rootPath,
        SERVER_PORT: '0',
        HDB_ADMIN_USERNAME: 'admin',
        HDB_ADMIN_PASSWORD: 'password',
        LOG_TO_STDSTREAMS: 'false',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const ended = once(child, 'exit').then(([status, signal]) => {
      throw new Error(`The node ended with ${status ?? signal} before it was ready`);
    });
    // It ends sooner or later.
    ended.catch(() => undefined);
    await Promise.race([once(child.stdout, 'data'), ended]);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
    this.#child = undefined;
  }

  run(body: object): Promise<unknown> {
    const config = loadClientConfig({ env: { ROOTPATH: this.rootPath }, cwd: this.rootPath });
    return NodeClient.forRootPath(config).run(body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.rootPath, { recursive: true });
  }
}

interface ToldJob {
  readonly status: string;
  readonly message: unknown;
  readonly progress?: { readonly rows: number };
}

// This tries what users run; `npm run build` makes it.
describe.runIf(existsSync(program))('a node that is killed in the middle of a job', () => {
  it('starts again with whole chunks, and with a job that has failed at the row that the table has', async () => {
    await using node = new KillableNode();
    const rows = 300_000;
    mkdirSync(join(node.rootPath, 'import'));
    const lines = Array.from({ length: rows }, (_, id) => `${id},dog ${id}\n`);
    writeFileSync(join(node.rootPath, 'import', 'dogs.csv'), `id,name\n${lines.join('')}`);
    await node.start();
    const table = { database: 'dev', table: 'dog' };
    await node.run({ operation: 'create_table', ...table, primary_key: 'id' });
    const { job_id: id } = (await node.run({
      operation: 'csv_file_load',
      ...table,
      file_path: 'dogs.csv',
    })) as { job_id: string };
    const job = async (): Promise<ToldJob | undefined> =>
      ((await node.run({ operation: 'get_job', id })) as ToldJob[])[0];
    await expect
      .poll(async () => (await job())?.progress?.rows ?? 0, { timeout: 30_000, interval: 5 })
      .toBeGreaterThan(0);

    await node.kill();
    await node.start();

    const failed = await job();
    const reached = failed?.progress?.rows ?? 0;
    expect(failed).toMatchObject({
      status: 'ERROR',
      message: `The node stopped while this job ran, after row ${reached}; what it did until then is kept`,
    });
    expect(reached).toBeGreaterThan(0);
    expect(reached).toBeLessThan(rows);
    const found = await node.run({
      operation: 'search_by_value',
      ...table,
      attribute: 'id',
      value: '*',
      get_attributes: ['id', 'name'],
    });
    expect(found).toEqual(Array.from({ length: reached }, (_, key) => ({ id: key, name: `dog ${key}` })));
  }, 90_000);

  it('starts again without what a killed export left, and the job has failed', async () => {
    await using node = new KillableNode();
    const exported = join(node.rootPath, 'export');
    mkdirSync(exported);
    await node.start();
    const table = { database: 'dev', table: 'dog' };
    await node.run({ operation: 'create_table', ...table, primary_key: 'id' });
    const records = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `dog ${id}` }));
    await node.run({ operation: 'insert', ...table, records });
    const { job_id: id } = (await node.run({
      ...{ operation: 'export_local', format: 'csv', path: exported, filename: 'dogs' },
      search_operation: { operation: 'sql', sql: 'SELECT * FROM dev.dog' },
    })) as { job_id: string };
    await expect.poll(() => readdirSync(exported), { timeout: 30_000, interval: 1 }).toHaveLength(1);

    await node.kill();
    const left = readdirSync(exported);
    await node.start();

    expect(left).toEqual([`dogs.csv.${id}.partial`]);
    expect(readdirSync(exported)).toEqual([]);
    expect(await node.run({ operation: 'get_job', id })).toMatchObject([{ status: 'ERROR' }]);
  }, 90_000);
});
