import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../wait-until.mjs';
import { pgbenchRate, pgbenchTiming } from './pgbench-rate.mjs';
import { PostgresCluster, settings } from './postgres-cluster.mjs';
import { cpuSecondsOf, ownMiB, peakResidentMiB, pssMiB, treeOf } from './process-tree.mjs';
import { columns, copyRow, indexedFields, numberOf, pgbenchScript, sqlRow } from './readings.mjs';
import { bytesWithPort } from './socket-bytes.mjs';
import { startUsage } from './usage.mjs';

const workerQuery = 'SELECT 1 FROM pg_stat_subscription WHERE pid IS NOT NULL';

/** @typedef {import('./system.mjs').System} System */

/**
 * Two PostgreSQL clusters with logical replication from the first to the second.
 *
 * @implements {System}
 */
export class PostgresSystem {
  name = 'postgresql';
  #programs;
  #directory;
  #publisher;
  #subscriber;
  #newCluster;
  /** @type {PostgresCluster[]} */
  #followers = [];
  /**
   * One for each cluster that runs.
   *
   * @type {Map<PostgresCluster, import('./postgres-connection.mjs').PostgresConnection>}
   */
  #control = new Map();

  /** @param {{ programs: string, directory: string }} options */
  constructor({ programs, directory }) {
    this.#programs = programs;
    this.#directory = directory;
    this.#newCluster = (/** @type {string} */ name) =>
      new PostgresCluster({ programs, directory: join(directory, name) });
    this.#publisher = this.#newCluster('publisher');
    this.#subscriber = this.#newCluster('subscriber');
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
    await this.#start(this.#publisher);
  }

  async startSubscriber() {
    await this.#start(this.#subscriber);
  }

  async createTable(table, { isIndexed, isReplicated }) {
    for (const cluster of isReplicated ? [this.#publisher, this.#subscriber] : [this.#publisher])
      await this.#createTable(cluster, table, isIndexed);
  }

  /** By pgbench, the client that PostgreSQL brings: prepared statements, one thread. */
  async singles({ table, connections, windowMs }) {
    const script = join(this.#directory, 'singles.sql');
    writeFileSync(script, pgbenchScript(table));
    const seconds = Math.max(1, Math.round(windowMs / 1_000));
    const child = this.#publisher.pgbench([
      ...['-M', 'prepared', '-c', String(connections), '-j', '1', ...pgbenchTiming(seconds)],
      ...['-f', script, '-D', 'n=0', '-D', `run=${connections}`],
    ]);
    return pgbenchRate(child, {
      seconds,
      startUsage: () => {
        const endUsage = startUsage(() => this.cpuSeconds());
        const clientBefore = cpuSecondsOf(child.pid);
        return () => endUsage(cpuSecondsOf(child.pid) - clientBefore);
      },
    });
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
  progress(table) {
    return this.#highestAt(this.#subscriber, table);
  }

  async rowsAtSubscriber(table) {
    return Number((await this.#ask(this.#subscriber, `SELECT count(*) FROM ${table}`))[0][0]);
  }

  async link(tables) {
    await this.#ask(this.#publisher, `CREATE PUBLICATION bench FOR TABLE ${tables.join(', ')}`);
    await this.#subscribe(this.#subscriber, 'bench', 'bench');
  }

  wireBytes() {
    return bytesWithPort(treeOf(this.#subscriber.pid), this.#publisher.target.port);
  }

  async startFollower(table) {
    if (this.#followers.length === 0)
      await this.#ask(this.#publisher, `CREATE PUBLICATION fan FOR TABLE ${table}`);
    const name = `follower_${this.#followers.length + 1}`;
    const follower = this.#newCluster(name);
    await this.#start(follower);
    this.#followers.push(follower);
    await this.#createTable(follower, table, true);
    await this.#subscribe(follower, name, 'fan');
    return { progress: () => this.#highestAt(follower, table) };
  }

  async openSearcher(table) {
    const connection = await this.#publisher.connect();
    // Not left to the moment at which the background does it.
    await connection.query(`ANALYZE ${table}`);
    const found = async (/** @type {string} */ condition) =>
      (await connection.query(`SELECT * FROM ${table} WHERE ${condition}`)).length;
    return {
      byId: (id) => found(`id = '${id}'`),
      byTime: (first, count) => found(`recorded_at BETWEEN ${first} AND ${first + count - 1}`),
      byNote: (text) => found(`note LIKE '%${text}%'`),
      close: () => connection.close(),
    };
  }

  async cut() {
    await this.#ask(this.#subscriber, 'ALTER SUBSCRIPTION bench DISABLE');
    await waitUntil('the subscription to stop', 20_000, async () => !(await this.#hasWorker()));
  }

  async restore() {
    await this.#ask(this.#subscriber, 'ALTER SUBSCRIPTION bench ENABLE');
    // PostgreSQL may let five seconds pass before it starts a worker again: that is not the speed of catching up.
    await waitUntil('the subscription to start', 20_000, () => this.#hasWorker(), 2);
  }

  cpuSeconds() {
    return [...this.#control.keys()].reduce((total, cluster) => total + cpuSecondsOf(cluster.pid), 0);
  }

  idleMiB() {
    return pssMiB(this.#publisher.pid);
  }

  peakMiB() {
    return peakResidentMiB(this.#subscriber.pid);
  }

  ownMiB() {
    return ownMiB(this.#subscriber.pid);
  }

  async close() {
    for (const connection of this.#control.values()) connection.close();
    await Promise.all([...this.#control.keys()].map((cluster) => cluster.stop()));
  }

  /** The subscription runs. */
  async #hasWorker() {
    const running = await this.#ask(this.#subscriber, workerQuery);
    return running.length > 0;
  }

  /** @param {PostgresCluster} cluster */
  async #start(cluster) {
    await cluster.start();
    this.#control.set(cluster, await cluster.connect());
  }

  /**
   * @param {PostgresCluster} cluster
   * @param {string} table
   * @param {boolean} isIndexed
   */
  async #createTable(cluster, table, isIndexed) {
    const list = columns.map(([name, type]) => `"${name}" ${type}`);
    await this.#ask(cluster, `CREATE TABLE ${table} (${list.join(', ')})`);
    if (!isIndexed) return;
    for (const field of indexedFields) await this.#ask(cluster, `CREATE INDEX ON ${table} ("${field}")`);
  }

  /**
   * @param {PostgresCluster} subscriber
   * @param {string} name of the subscription, and of its slot at the publisher
   * @param {string} publication
   */
  async #subscribe(subscriber, name, publication) {
    const { host, port } = this.#publisher.target;
    await this.#ask(
      subscriber,
      `CREATE SUBSCRIPTION ${name} CONNECTION 'host=${host} port=${port} user=postgres dbname=postgres' PUBLICATION ${publication}`,
    );
  }

  /** Row numbers up to the highest id. */
  async #highestAt(/** @type {PostgresCluster} */ cluster, /** @type {string} */ table) {
    const [row] = await this.#ask(cluster, `SELECT id FROM ${table} ORDER BY id DESC LIMIT 1`);
    return row ? numberOf(row[0]) + 1 : 0;
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
}
