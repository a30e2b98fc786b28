import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** `lyre start` as users run it: one process, without a cluster, in a directory of its own. */
export class StartedNode implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'lyre-start-'));
  /** Made by the node. */
  readonly rootPath = join(this.directory, 'node');
  readonly environment: Readonly<Record<string, string>>;
  stdout = '';
  stderr = '';
  #child: ChildProcess | undefined;

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.environment = {
      ...{ PATH: process.env['PATH'] ?? '', ROOTPATH: this.rootPath, NETWORK_HOST: '127.0.0.1' },
      ...{ SERVER_PORT: '0', HDB_ADMIN_USERNAME: 'admin', HDB_ADMIN_PASSWORD: 'one' },
      ...environment,
    };
  }

  get child(): ChildProcess {
    if (!this.#child) throw new Error('Not started');
    return this.#child;
  }

  start(stdio: StdioOptions = 'pipe', flags: readonly string[] = []): ChildProcess {
    const child = spawn(process.execPath, [program, 'start', ...flags], {
      ...{ cwd: this.directory, env: this.environment, stdio },
    });
    this.#child = child;
    child.stdout?.on('data', (text) => (this.stdout += text));
    child.stderr?.on('data', (text) => (this.stderr += text));
    return child;
  }

  /** Of the port that it has written down; rejects while nothing answers. */
  async health(): Promise<number> {
    return (await fetch(`${this.url}health`)).status;
  }

  /** Resolves to the status of the answer. */
  async ask(operation: string): Promise<number> {
    const authorization = `Basic ${Buffer.from('admin:one').toString('base64')}`;
    const answer = await fetch(this.url, {
      ...{ method: 'POST', body: JSON.stringify({ operation }) },
      headers: { authorization, 'content-type': 'application/json' },
    });
    return answer.status;
  }

  /** Resolves to the exit status. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    return child?.exitCode ?? null;
  }

  get url(): string {
    const { api } = JSON.parse(readFileSync(join(this.rootPath, 'ports.json'), 'utf8')) as { api: number };
    return `http://127.0.0.1:${api}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true });
  }
}
