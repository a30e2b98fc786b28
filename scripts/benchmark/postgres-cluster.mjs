import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../wait-until.mjs';
import { freePort } from './free-port.mjs';
import { end, run, spawnOwned } from './owned-processes.mjs';
import { PostgresConnection } from './postgres-connection.mjs';

const host = '127.0.0.1';

/** Said in the report too. Everything else is PostgreSQL's default. */
export const settings = {
  fsync: 'on',
  synchronous_commit: 'on',
  wal_level: 'logical',
  max_wal_senders: 64,
  max_replication_slots: 64,
  shared_buffers: '256MB',
  max_wal_size: '4GB',
};

/** A cluster of this benchmark's own: loopback only, run as an unprivileged user, data under `directory`. */
export class PostgresCluster {
  #programs;
  #directory;
  #account = unprivilegedAccount();
  #child;
  #port = 0;

  /** @param {{ programs: string, directory: string }} options */
  constructor({ programs, directory }) {
    this.#programs = programs;
    this.#directory = directory;
  }

  get pid() {
    return this.#child.pid;
  }

  get target() {
    return { host, port: this.#port };
  }

  async start() {
    mkdirSync(this.#directory, { recursive: true });
    if (this.#account) chownSync(this.#directory, this.#account.uid, this.#account.gid);
    const data = join(this.#directory, 'data');
    const { status, output } = await run(
      ...this.#asAccount('initdb', [
        '-D',
        data,
        '-U',
        'postgres',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--no-locale',
        '-N',
      ]),
      { cwd: this.#directory },
    );
    if (status !== 0) throw new Error(`initdb failed: ${output.trim()}`);
    this.#port = await freePort(host);
    const parameters = {
      listen_addresses: host,
      port: this.#port,
      unix_socket_directories: this.#directory,
      ...settings,
    };
    this.#child = spawnOwned(
      ...this.#asAccount('postgres', [
        '-D',
        data,
        ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ]),
      // Immediate shutdown: the data are thrown away.
      { cwd: this.#directory, stdio: 'ignore', endSignal: 'SIGQUIT' },
    );
    const takesConnections = async () => {
      if (this.#child.exitCode !== null)
        throw new Error(`PostgreSQL ended with status ${this.#child.exitCode}`);
      try {
        (await this.connect()).close();
        return true;
      } catch {
        return false;
      }
    };
    await waitUntil('PostgreSQL to take connections', 20_000, takesConnections, 50);
  }

  connect() {
    return PostgresConnection.open(this.target);
  }

  /** Started and not awaited: pgbench against this cluster. */
  pgbench(args) {
    return spawnOwned(
      join(this.#programs, 'pgbench'),
      ['-n', '-h', host, '-p', String(this.#port), '-U', 'postgres', ...args, 'postgres'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
  }

  async stop() {
    if (this.#child) await end(this.#child, 'SIGQUIT');
  }

  /**
   * @param {string} program
   * @param {readonly string[]} args
   * @returns {[string, string[]]}
   */
  #asAccount(program, args) {
    const path = join(this.#programs, program);
    if (!this.#account) return [path, [...args]];
    const { uid, gid } = this.#account;
    return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', path, ...args]];
  }
}

/** PostgreSQL refuses to run as root; anyone else runs it as they are. */
function unprivilegedAccount() {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (/** @type {string} */ flag) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // No such account here.
    }
  }
  throw new Error("PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody'");
}
