import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HttpConnection } from './http-connection.mjs';
import { end, spawnOwned } from './owned-processes.mjs';

const host = '127.0.0.1';
const readyTimeoutMs = 30_000;
const administrator = { user: 'admin', password: 'bench-admin' };

/** One node of this clone, on free ports, with its data under a directory of its own. */
export class LyreNode {
  #options;
  #child;
  #ports;

  /** @param {{ root: string, directory: string, name: string, profileDirectory: string | undefined }} options */
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
    const { root, directory, name, profileDirectory } = this.#options;
    // Options of the command line: the bridge inherits them.
    const profiling = profileDirectory
      ? ['--cpu-prof', `--cpu-prof-dir=${join(profileDirectory, name)}`]
      : [];
    const program = join(root, 'dist', 'cli', 'main.js');
    this.#child = spawnOwned(process.execPath, [...profiling, program, 'start'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        ...(process.env.NATS_SERVER_BIN ? { NATS_SERVER_BIN: process.env.NATS_SERVER_BIN } : {}),
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
      },
    });
    await ready(this.#child, name);
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

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} name
 */
function ready(child, name) {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (/** @type {string} */ why) => reject(new Error(`Node ${name} ${why}: ${output.trim()}`));
    const timer = setTimeout(() => fail('was not ready in time'), readyTimeoutMs);
    child.once('error', (error) => fail(`did not start (${error.message})`));
    child.once('exit', (status) => {
      clearTimeout(timer);
      fail(`ended with status ${status}`);
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        output = (output + text).slice(-4_000);
        if (!output.includes('is ready')) return;
        clearTimeout(timer);
        resolve(undefined);
      });
  });
}
