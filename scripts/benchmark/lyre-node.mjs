import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HttpConnection } from './http-connection.mjs';
import { end, spawnOwned } from './owned-processes.mjs';
import { printed } from './printed.mjs';

const host = '127.0.0.1';
const readyTimeoutMs = 30_000;
const administrator = { user: 'admin', password: 'bench-admin' };

/** One node of this clone, on free ports, with its data under a directory of its own. */
export class LyreNode {
  #options;
  #child;
  #ports;

  /** @param {{ root: string, directory: string, name: string, isOneProcess: boolean, profileDirectory: string | undefined }} options */
  constructor(options) {
    this.#options = options;
  }

  get name() {
    return this.#options.name;
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid() {
    return this.#child.pid;
  }

  /** Resolves when the node says that it is ready. */
  async start() {
    const { root, directory, name, isOneProcess, profileDirectory } = this.#options;
    // Options of the command line: the bridge inherits them.
    const profiling = profileDirectory
      ? ['--cpu-prof', `--cpu-prof-dir=${join(profileDirectory, name)}`]
      : [];
    const program = join(root, 'dist', 'cli', 'main.js');
    const { PATH, NATS_SERVER_BIN } = process.env;
    mkdirSync(directory, { recursive: true });
    this.#child = spawnOwned(process.execPath, [...profiling, program, 'start'], {
      // Not the clone, which may have an `.env` of its own.
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        ...(NATS_SERVER_BIN ? { NATS_SERVER_BIN: resolve(NATS_SERVER_BIN) } : {}),
        ROOTPATH: directory,
        NODE_NAME: name,
        HDB_ADMIN_USERNAME: administrator.user,
        HDB_ADMIN_PASSWORD: administrator.password,
        CLUSTERING: 'true',
        CLUSTERING_USER: 'cluster',
        CLUSTERING_PASSWORD: 'bench-cluster',
        CLUSTERING_PORT: '0',
        SERVER_PORT: '0',
        NETWORK_HOST: host,
        LOGGING_STDSTREAMS: 'false',
        ...(isOneProcess ? { BRIDGE_INPROCESS: 'true' } : {}),
      },
    });
    await printed(this.#child, { name: `Node ${name}`, pattern: /is ready/, limitMs: readyTimeoutMs });
    this.#ports = JSON.parse(readFileSync(join(directory, 'ports.json'), 'utf8'));
  }

  async stop() {
    if (this.#child) await end(this.#child, 'SIGTERM');
  }

  connection() {
    return new HttpConnection({ host, port: this.#ports.api, ...administrator });
  }

  /**
   * Over a connection of its own: the node closes one that was idle while the other contender had its turn.
   *
   * @param {object} body
   */
  async operation(body) {
    const connection = this.connection();
    try {
      return JSON.parse(await connection.post(JSON.stringify(body)));
    } finally {
      connection.close();
    }
  }

  /** Where peers dial. */
  address() {
    return { name: this.name, host, port: this.#ports.cluster };
  }
}
