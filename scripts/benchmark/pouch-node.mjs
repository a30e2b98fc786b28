import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HttpConnection } from './http-connection.mjs';
import { end, spawnOwned } from './owned-processes.mjs';
import { printed } from './printed.mjs';

const host = '127.0.0.1';
const limitMs = 30_000;
const program = fileURLToPath(new URL('pouch-server.cjs', import.meta.url));

/** One PouchDB server on a free port, with its data under a directory of its own. */
export class PouchNode {
  #options;
  #child;
  #port = 0;

  /** @param {{ packages: string, directory: string }} options */
  constructor(options) {
    this.#options = options;
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid() {
    return this.#child.pid;
  }

  async start() {
    const { packages, directory } = this.#options;
    mkdirSync(directory, { recursive: true });
    this.#child = spawnOwned(process.execPath, [program, packages, directory], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pattern = /^ready on (\d+)$/m;
    this.#port = Number((await printed(this.#child, { name: 'PouchDB', pattern, limitMs }))[1]);
  }

  async stop() {
    if (this.#child) await end(this.#child, 'SIGTERM');
  }

  /** @param {string} database */
  urlOf(database) {
    return `http://${host}:${this.#port}/${database}`;
  }

  /** @param {string} path */
  connection(path) {
    return new HttpConnection({ host, port: this.#port, path });
  }

  /**
   * @param {'GET' | 'PUT' | 'POST'} method
   * @param {string} path
   * @param {object} [body]
   */
  async ask(method, path, body) {
    const response = await fetch(this.urlOf(path), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`PouchDB answered ${method} ${path} with ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
