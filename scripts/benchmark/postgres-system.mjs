import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PostgresCluster, settings } from './postgres-cluster.mjs';
import { cpuSecondsOf, peakResidentMiB, pssMiB } from './process-tree.mjs';
import { startUsage, until } from './rate.mjs';
import { columns, copyRow, indexedFields, numberOf, pgbenchScript, sqlRow } from './readings.mjs';

const workerQuery = 'SELECT 1 FROM pg_stat_subscription WHERE pid IS NOT NULL';

/**
 * Two PostgreSQL clusters with logical replication from the first to the second.
 *
 * @implements {import('./system.mjs').System}
 */
export class PostgresSystem {
  name = 'postgresql';
  #programs;
  #directory;
  #publisher;
  #subscriber;
  #isSubscriberRunning = false;
  /** @type {Map<object, import('./postgres-connection.mjs').PostgresConnection>} */
  #control = new Map();

  /** @param {{ programs: string, directory: string }} options */
  constructor({ programs, directory }) {
    this.#programs = programs;
    this.#directory = directory;
    this.#publisher = new PostgresCluster({ programs, directory: join(directory, 'publisher') });
    this.#subscriber = new PostgresCluster({ programs, directory: join(directory, 'subscriber') });
  }

  async describe() {
    const version = execFileSync(join(this.#programs, 'postgres'), ['--version'], {
      encoding: 'utf8',
    }).trim();
    const list = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    return {
      version,
      settings: `${list.join(', ')}; the subscription as by default (its worker does not wait for its flushes, and confirms after them)`,
    };
  }

  async startPublisher() {
    await this.#publisher.start();
    this.#control.set(this.#publisher, await this.#publisher.connect());
  }

  async startSubscriber() {
    await this.#subscriber.start();
    this.#control.set(this.#subscriber, await this.#subscriber.connect());
    this.#isSubscriberRunning = true;
  }

  async createTable(table, { isIndexed, isReplicated }) {
    for (const cluster of isReplicated ? [this.#publisher, this.#subscriber] : [this.#publisher]) {
      const list = columns.map(([name, type]) => `"${name}" ${type}`);
      await this.#ask(cluster, `CREATE TABLE ${table} (${list.join(', ')})`);
      if (!isIndexed) continue;
      for (const field of indexedFields) await this.#ask(cluster, `CREATE INDEX ON ${table} ("${field}")`);
    }
  }

  /** By pgbench, the client that PostgreSQL brings: prepared statements, one thread. */
  async singles({ table, connections, warmUpMs, windowMs }) {
    const script = join(this.#directory, 'singles.sql');
    writeFileSync(script, pgbenchScript(table));
    await this.#pgbench(script, connections, warmUpMs, 'warm');
    const endUsage = startUsage(() => this.cpuSeconds());
    const { tps, latencyMs, clientSeconds } = await this.#pgbench(script, connections, windowMs, 'run');
    return {
      rowsPerSecond: tps,
      meanMs: latencyMs,
      rows: (tps * windowMs) / 1_000,
      usage: endUsage(clientSeconds),
    };
  }

  async openWriter(table, how = 'insert') {
    const connection = await this.#publisher.connect();
    const rows = (row, first, count) => Array.from({ length: count }, (_, at) => row(first + at));
    return {
      write: async (first, count) => {
        if (how === 'bulk') await connection.copy(table, rows(copyRow, first, count).join(''));
        else await connection.query(`INSERT INTO ${table} VALUES ${rows(sqlRow, first, count).join(',')}`);
      },
      close: () => connection.close(),
    };
  }

  async openProbe(table) {
    const connection = await this.#subscriber.connect();
    return {
      has: async (id) => (await connection.query(`SELECT 1 FROM ${table} WHERE id = '${id}'`)).length > 0,
      close: () => connection.close(),
    };
  }

  async rowsAtPublisher(table) {
    return Number((await this.#ask(this.#publisher, `SELECT count(*) FROM ${table}`))[0][0]);
  }

  /** By the highest id: counting would cost a scan at every poll. */
  async progress(table) {
    const [row] = await this.#ask(this.#subscriber, `SELECT id FROM ${table} ORDER BY id DESC LIMIT 1`);
    return row ? numberOf(row[0]) + 1 : 0;
  }

  async rowsAtSubscriber(table) {
    return Number((await this.#ask(this.#subscriber, `SELECT count(*) FROM ${table}`))[0][0]);
  }

  async link(tables) {
    await this.#ask(this.#publisher, `CREATE PUBLICATION bench FOR TABLE ${tables.join(', ')}`);
    const { host, port } = this.#publisher.target;
    await this.#ask(
      this.#subscriber,
      `CREATE SUBSCRIPTION bench CONNECTION 'host=${host} port=${port} user=postgres dbname=postgres' PUBLICATION bench`,
    );
  }

  async cut() {
    await this.#ask(this.#subscriber, 'ALTER SUBSCRIPTION bench DISABLE');
    await until('the subscription to stop', 20_000, 20, async () => {
      const running = await this.#ask(this.#subscriber, workerQuery);
      return running.length === 0;
    });
  }

  async restore() {
    await this.#ask(this.#subscriber, 'ALTER SUBSCRIPTION bench ENABLE');
    // PostgreSQL may let five seconds pass before it starts a worker again: that is not the speed of catching up.
    await until('the subscription to start', 20_000, 2, async () => {
      const running = await this.#ask(this.#subscriber, workerQuery);
      return running.length > 0;
    });
  }

  cpuSeconds() {
    return (
      cpuSecondsOf(this.#publisher.pid) + (this.#isSubscriberRunning ? cpuSecondsOf(this.#subscriber.pid) : 0)
    );
  }

  idleMiB() {
    return pssMiB(this.#publisher.pid);
  }

  peakMiB() {
    return peakResidentMiB(this.#subscriber.pid);
  }

  async close() {
    for (const connection of this.#control.values()) connection.close();
    await Promise.all([this.#publisher.stop(), this.#subscriber.stop()]);
  }

  /**
   * @param {PostgresCluster} cluster
   * @param {string} sql
   */
  #ask(cluster, sql) {
    const connection = this.#control.get(cluster);
    if (!connection) throw new Error('This cluster was not started');
    return connection.query(sql);
  }

  /**
   * @param {string} script
   * @param {number} connections
   * @param {number} durationMs
   * @param {string} prefix of the ids
   */
  async #pgbench(script, connections, durationMs, prefix) {
    const seconds = Math.max(1, Math.round(durationMs / 1_000));
    const child = this.#publisher.pgbench([
      ...['-M', 'prepared', '-c', String(connections), '-j', '1', '-T', String(seconds)],
      ...['-f', script, '-D', 'n=0', '-D', `run=${prefix}${connections}`],
    ]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    let clientSeconds = 0;
    // What a child used is told by nobody once it has ended.
    const timer = setInterval(() => (clientSeconds = cpuSecondsOf(child.pid) || clientSeconds), 50);
    const [status] = await once(child, 'close');
    clearInterval(timer);
    const tps = Number(/tps = ([\d.]+)/.exec(output)?.[1]);
    if (status !== 0 || !tps) throw new Error(`pgbench failed: ${output.trim()}`);
    return {
      tps,
      latencyMs: Number(/latency average = ([\d.]+)/.exec(output)?.[1]),
      clientSeconds,
    };
  }
}
