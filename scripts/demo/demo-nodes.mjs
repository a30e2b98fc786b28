import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodeApi } from './node-api.mjs';
import { waitUntil } from '../wait-until.mjs';

/** @typedef {{ name: string, rootPath: string, clusterPort: number, api: NodeApi }} DemoNode */

const keeperProgram = fileURLToPath(new URL('node-keeper.mjs', import.meta.url));
const startLimitMs = 30_000;

/** The nodes of one run, in a directory of their own. They end with this process, however it ends. */
export class DemoNodes {
  directory = mkdtempSync(join(tmpdir(), 'lyre-demo-'));
  password = randomBytes(9).toString('base64url');
  #clusterPassword = randomBytes(9).toString('base64url');
  #keeper = fork(keeperProgram, [this.directory], { detached: true, stdio: 'ignore', execArgv: [] });
  #areKept = false;
  /** @type {Map<string, string>} */
  #ended = new Map();

  constructor() {
    this.#keeper.on('message', (/** @type {any} */ { kind, name }) => {
      if (kind === 'ended') this.#ended.set(name, readOutput(this.directory, name));
    });
  }

  /**
   * @param {string} name
   * @returns {Promise<DemoNode>} a node that is ready
   */
  async start(name) {
    const rootPath = join(this.directory, name);
    const env = {
      // Nothing else of the environment: settings of another node must not get in.
      ...pick(process.env, ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NATS_SERVER_BIN']),
      NODE_NAME: name,
      HDB_ADMIN_USERNAME: 'admin',
      HDB_ADMIN_PASSWORD: this.password,
      NETWORK_HOST: '127.0.0.1',
      SERVER_PORT: '0',
      CLUSTERING: 'true',
      CLUSTERING_USER: 'cluster',
      CLUSTERING_PASSWORD: this.#clusterPassword,
      CLUSTERING_PORT: '0',
      LOGGING_STDSTREAMS: 'false',
    };
    this.#keeper.send({ kind: 'start', name, rootPath, env });
    await waitUntil(`node ${name} to be ready`, startLimitMs, () => {
      this.check();
      return readOutput(this.directory, name).includes('is ready');
    });
    const ports = JSON.parse(readFileSync(join(rootPath, 'ports.json'), 'utf8'));
    const api = new NodeApi(`http://127.0.0.1:${ports.api}`, 'admin', this.password);
    return { name, rootPath, clusterPort: ports.cluster, api };
  }

  /** @throws an Error when a node has ended by itself */
  check() {
    for (const [name, output] of this.#ended) throw new Error(`Node ${name} has ended: ${output.trim()}`);
  }

  /** Stops the nodes and removes their data. */
  async stop() {
    await this.#letGo();
    // Once more: the keeper may have ended before it could.
    if (!this.#areKept) rmSync(this.directory, { recursive: true, force: true });
  }

  /** Lets the nodes run on after this process. */
  async keep() {
    const kept = once(this.#keeper, 'message');
    this.#keeper.send({ kind: 'keep' });
    await kept;
    this.#areKept = true;
    await this.#letGo();
  }

  async #letGo() {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const gone = once(this.#keeper, 'exit');
    if (this.#keeper.connected) this.#keeper.disconnect();
    await gone;
  }
}

/**
 * @param {string} directory
 * @param {string} name
 */
function readOutput(directory, name) {
  const file = join(directory, `${name}.out`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/**
 * @param {NodeJS.ProcessEnv} variables
 * @param {string[]} names
 */
function pick(variables, names) {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => names.includes(name)));
}
