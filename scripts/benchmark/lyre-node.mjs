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
  #control;

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
    this.#child = spawnOwned(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'start'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        ...(process.env.NATS_SERVER_BIN ? { NATS_SERVER_BIN: process.env.NATS_SERVER_BIN } : {}),
        ...(profileDirectory ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDirectory}` } : {}),
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
    this.#control?.close();
    this.#control = this.connection();
  }

  async stop() {
    this.#control?.close();
    if (this.#child) await end(this.#child, 'SIGTERM');
  }

  connection() {
    return new HttpConnection({ host, port: this.#ports.api, ...administrator });
  }

  /** @param {object} body */
  operation(body) {
    return this.#control.operation(body);
  }

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
