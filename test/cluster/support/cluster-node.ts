import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '../../cli/started-node.ts';
import { atEndOfWorker } from './end-of-worker.ts';
import {
  isRunning,
  isStopped,
  processesOfDirectory,
  processesOf,
  type NodeProcesses,
  type ProcessName,
} from './node-processes.ts';
import type { Fields } from './record-bytes.ts';
import type { Address } from './tcp-proxy.ts';
import { HopelessError, waitFor } from './wait-for.ts';

/** Of a machine that others share and that starts several nodes at once: no promise of a node. */
const startLimitMs = 60_000;
const stopLimitMs = 10_000;

export const administrator = { username: 'admin', password: 'admin secret' };

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A process that was stopped where it was. */
export interface Frozen {
  readonly pid: number;
  /** Lets it go on. @throws when it has not stood still until now */
  readonly thaw: () => void;
}

/** What a start that failed left: nothing but this. */
export interface FailedStart {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A node as its users run it: three real processes unless told otherwise, its own directory, spoken to over HTTP and with signals. */
export class ClusterNode implements AsyncDisposable {
  readonly name: string;
  readonly rootPath: string;
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #output = '';
  #printed = '';
  #apiPort = 0;
  #clusterPort = 0;
  readonly #hasEnded: () => void;

  private constructor(name: string, environment: Readonly<Record<string, string>>, rootPath?: string) {
    this.name = name;
    this.rootPath = rootPath ?? mkdtempSync(join(tmpdir(), `lyre-${name}-`));
    this.#environment = {
      PATH: process.env['PATH'] ?? '',
      ROOTPATH: this.rootPath,
      NODE_NAME: name,
      NETWORK_HOST: '127.0.0.1',
      SERVER_PORT: '0',
      LOGGING_STDSTREAMS: 'false',
      HDB_ADMIN_USERNAME: administrator.username,
      HDB_ADMIN_PASSWORD: administrator.password,
      CLUSTERING: 'true',
      CLUSTERING_PORT: '0',
      CLUSTERING_USER: 'cluster_user',
      CLUSTERING_PASSWORD: 'cluster secret',
      ...(process.env['NATS_SERVER_BIN'] ? { NATS_SERVER_BIN: process.env['NATS_SERVER_BIN'] } : {}),
      ...environment,
    };
    this.#hasEnded = atEndOfWorker(() => {
      this.#endProcesses();
      this.#removeDirectory();
    });
  }

  /** @param environment is put over what every node gets */
  static async start(name: string, environment: Readonly<Record<string, string>> = {}): Promise<ClusterNode> {
    const node = new ClusterNode(name, environment);
    try {
      await node.start();
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
    return node;
  }

  /**
   * A node with a directory that has not been started.
   *
   * @param rootPath an existing directory, which is removed with the node; else a new one
   */
  static create(
    name: string,
    environment: Readonly<Record<string, string>> = {},
    rootPath?: string,
  ): ClusterNode {
    return new ClusterNode(name, environment, rootPath);
  }

  get apiPort(): number {
    return this.#apiPort;
  }

  /** Where other nodes dial it. */
  get address(): Address {
    return { host: '127.0.0.1', port: this.#clusterPort };
  }

  /** Everything the processes have printed since the last start. */
  get output(): string {
    return this.#output;
  }

  /** Everything the processes have ever printed. */
  get printed(): string {
    return this.#printed;
  }

  /** The node's log; none before it has written any. */
  get log(): string {
    try {
      return readFileSync(join(this.rootPath, 'log', 'hdb.log'), 'utf8');
    } catch {
      return '';
    }
  }

  /** Starts it (again) and waits until it says that it is ready. Its ports stay the same. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const child = this.#spawn(environment);
    const ready = await waitFor(
      `the ready line of ${this.name}`,
      () => {
        const line = /is ready: .*:(\d+), (?:cluster port (\d+)|clustering off)/.exec(this.#output);
        if (!line && !isPresent(child)) throw new HopelessError(`${this.name} ended: ${this.#output}`);
        return line ?? undefined;
      },
      { limitMs: startLimitMs, everyMs: 10 },
    );
    this.#apiPort = Number(ready[1]);
    this.#clusterPort = Number(ready[2] ?? 0);
  }

  /** Starts it and waits until it has ended by itself, as a node does that cannot start. */
  async startInVain(environment: Readonly<Record<string, string>> = {}): Promise<FailedStart> {
    const child = this.#spawn(environment);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (text) => (stdout += text));
    child.stderr?.on('data', (text) => (stderr += text));
    await waitFor(`${this.name} to give up`, () => !isPresent(child), { limitMs: startLimitMs });
    return { status: child.exitCode, stdout, stderr };
  }

  /** One operation of the API, as the administrator. Rejects when nothing answers. */
  async op(body: Fields, limitMs = 30_000): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.#apiPort}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: authorization },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(limitMs),
    });
    return { status: response.status, body: await response.json() };
  }

  /** The body of an operation that must succeed. */
  async must(body: Fields): Promise<unknown> {
    const answer = await this.op(body);
    if (answer.status !== 200)
      throw new Error(`${this.name} answered ${String(body['operation'])} with ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** Every record of a table by its id, read through the API. Rejects while there is no such table. */
  async rows(database: string, table: string): Promise<ReadonlyMap<string | number, Fields>> {
    const found = (await this.must({
      operation: 'search_by_value',
      schema: database,
      table,
      search_attribute: 'id',
      search_value: '*',
      get_attributes: ['*'],
    })) as readonly Fields[];
    return new Map(found.map((record) => [record['id'] as string | number, record]));
  }

  /** The records under some keys that are there, read through the API. */
  async records(
    [schema, table]: readonly [string, string],
    keys: readonly (string | number)[],
  ): Promise<readonly Fields[]> {
    const body = { operation: 'search_by_hash', schema, table, hash_values: keys, get_attributes: ['*'] };
    return (await this.must(body)) as readonly Fields[];
  }

  /** Whether the node has the table. */
  async hasTable(database: string, table: string): Promise<boolean> {
    const { status } = await this.op({ operation: 'describe_table', schema: database, table });
    return status === 200;
  }

  pids(): NodeProcesses {
    const pid = this.#child?.pid;
    return pid === undefined ? { api: undefined, bridge: undefined, nats: undefined } : processesOf(pid);
  }

  /** All three are there. */
  async whole(): Promise<{ readonly api: number; readonly bridge: number; readonly nats: number }> {
    return waitFor(`the three processes of ${this.name}`, () => {
      const { api, bridge, nats } = this.pids();
      return api !== undefined && bridge !== undefined && nats !== undefined && { api, bridge, nats };
    });
  }

  /** Sends a signal to one of the processes; resolves to its pid when it is gone, for SIGKILL. */
  async kill(which: ProcessName, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const pid = await waitFor(`the ${which} of ${this.name}`, () => this.pids()[which]);
    process.kill(pid, signal);
    if (signal === 'SIGKILL')
      await waitFor(`${which} of ${this.name} to die`, () => !isRunning(pid), { everyMs: 5 });
    return pid;
  }

  /** Stops one of the processes where it is, without telling it; resolves when it stands still. */
  async freeze(which: ProcessName): Promise<Frozen> {
    const pid = await this.kill(which, 'SIGSTOP');
    await waitFor(`${which} of ${this.name} to stand still`, () => isStopped(pid), { everyMs: 1 });
    return {
      pid,
      thaw: () => {
        if (!isStopped(pid)) throw new Error(`${which} of ${this.name} did not stand still until now`);
        process.kill(pid, 'SIGCONT');
      },
    };
  }

  /** Ends all three at the same moment, as a power cut does: nobody is told, and nobody cleans up. */
  async powerOff(): Promise<void> {
    const { api, bridge, nats } = await this.whole();
    for (const pid of [api, bridge, nats]) process.kill(pid, 'SIGKILL');
    await waitFor(`${this.name} to be dead`, () => ![api, bridge, nats].some(isRunning), { everyMs: 5 });
  }

  /** Stops it as a service manager does, and checks that it obeys: status 0 within 10 s, nobody left behind. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || !isPresent(child)) throw new Error(`${this.name} is not running`);
    child.kill('SIGTERM');
    await waitFor(`${this.name} to stop`, () => !isPresent(child), { limitMs: stopLimitMs, everyMs: 10 });
    if (child.exitCode !== 0)
      throw new Error(`${this.name} ended with ${child.exitCode ?? child.signalCode}: ${this.#output}`);
    const left = processesOfDirectory(this.rootPath);
    if (left.length > 0) throw new Error(`${this.name} left processes behind: ${left.join(', ')}`);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends whatever is left and removes the directory, also when the test has failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#endProcesses();
    await waitFor(
      `the processes of ${this.name} to be gone`,
      () => !ended.some(isRunning) && processesOfDirectory(this.rootPath).length === 0,
    );
    this.#removeDirectory();
    this.#hasEnded();
  }

  #endProcesses(): readonly number[] {
    const { api, bridge, nats } = this.pids();
    const left = new Set([api, bridge, nats, ...processesOfDirectory(this.rootPath)]);
    const pids = [...left].filter((pid) => pid !== undefined).filter((pid) => pid !== process.pid);
    for (const pid of pids) endProcess(pid);
    return pids;
  }

  #removeDirectory(): void {
    // One that is being ended may still finish writing a file.
    rmSync(this.rootPath, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }

  #spawn(environment: Readonly<Record<string, string>>): ChildProcess {
    this.#output = '';
    const child = spawn(process.execPath, [program, 'start'], {
      cwd: this.rootPath,
      env: { ...this.#environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        this.#output += text.toString();
        this.#printed += text.toString();
      });
    return child;
  }
}

const authorization = `Basic ${Buffer.from(`${administrator.username}:${administrator.password}`).toString('base64')}`;

function isPresent(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
