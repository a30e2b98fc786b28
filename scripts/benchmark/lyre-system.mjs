import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findNatsServer } from '../nats-server/find.mjs';
import { LyreNode } from './lyre-node.mjs';
import { cpuSecondsOf, ownMiB, peakResidentMiB, pssMiB, treeOf } from './process-tree.mjs';
import { measureRate } from './rate.mjs';
import { indexedFields, jsonRow } from './readings.mjs';
import { bytesWithPort } from './socket-bytes.mjs';

const schema = 'bench';

/**
 * Two nodes of this clone: one publishes, one subscribes.
 *
 * @implements {import('./system.mjs').System}
 */
export class LyreSystem {
  name = 'lyredb';
  #publisher;
  #subscriber;
  #root;
  #newNode;
  /** @type {LyreNode[]} */
  #followers = [];

  /** @param {{ root: string, directory: string, profileDirectory: string | undefined }} options */
  constructor({ root, directory, profileDirectory }) {
    this.#root = root;
    this.#newNode = (/** @type {string} */ name) =>
      new LyreNode({ root, directory: join(directory, name), name, profileDirectory });
    this.#publisher = this.#newNode('bench-edge');
    this.#subscriber = this.#newNode('bench-host');
  }

  async describe() {
    const versionIn = (/** @type {string} */ directory) =>
      JSON.parse(readFileSync(join(this.#root, directory, 'package.json'), 'utf8')).version;
    const { server } = await findNatsServer(
      join(this.#root, '.nats', 'nats-server'),
      process.env.NATS_SERVER_BIN,
    );
    return {
      version: versionIn('.'),
      lmdb: versionIn('node_modules/lmdb'),
      nats_server: server?.version,
      settings:
        'as delivered: a request is acknowledged after its commit is flushed; HTTP with Basic auth, TLS between nodes',
    };
  }

  startPublisher() {
    return this.#publisher.start();
  }

  async startSubscriber() {
    await this.#subscriber.start();
  }

  async createTable(table, { isIndexed, isReplicated }) {
    for (const node of isReplicated ? [this.#publisher, this.#subscriber] : [this.#publisher])
      await createTable(node, table, isIndexed);
  }

  async singles({ table, connections, warmUpMs, windowMs }) {
    const writers = Array.from({ length: connections }, () => this.#writerOf(table));
    let next = 0;
    try {
      return await measureRate({
        writers: writers.map(({ write }) => async () => {
          await write(next++, 1);
          return 1;
        }),
        warmUpMs,
        windowMs,
        cpuSeconds: () => this.cpuSeconds(),
      });
    } finally {
      for (const { close } of writers) close();
    }
  }

  async openWriter(table) {
    return this.#writerOf(table);
  }

  async openProbe(table) {
    const connection = this.#subscriber.connection();
    return {
      has: async (id) => {
        const body = `{"operation":"search_by_hash","schema":"${schema}","table":"${table}","hash_values":["${id}"],"get_attributes":["id"]}`;
        return (await connection.post(body)).includes(id);
      },
      close: () => connection.close(),
    };
  }

  async rowsAtPublisher(table) {
    return recordCount(this.#publisher, table);
  }

  async progress(table) {
    return recordCount(this.#subscriber, table);
  }

  async rowsAtSubscriber(table) {
    return recordCount(this.#subscriber, table);
  }

  async link(tables) {
    await subscribe(this.#subscriber, this.#publisher, tables);
  }

  /** Of the subscriber's connections to the publisher: it is the one that dials. */
  wireBytes() {
    return bytesWithPort(treeOf(this.#subscriber.pid), this.#publisher.address().port);
  }

  async startFollower(table) {
    const follower = this.#newNode(`bench-follower-${this.#followers.length + 1}`);
    await follower.start();
    this.#followers.push(follower);
    await createTable(follower, table, true);
    await subscribe(follower, this.#publisher, [table]);
    return { progress: () => recordCount(follower, table) };
  }

  async openSearcher(table) {
    const connection = this.#publisher.connection();
    const found = async (/** @type {object} */ request) => {
      const body = JSON.stringify({ schema, table, get_attributes: ['*'], ...request });
      return JSON.parse(await connection.post(body)).length;
    };
    return {
      byId: (id) => found({ operation: 'search_by_hash', hash_values: [id] }),
      byTime: (first, count) =>
        found({
          operation: 'search_by_conditions',
          conditions: [
            {
              search_attribute: 'recorded_at',
              search_type: 'between',
              search_value: [first, first + count - 1],
            },
          ],
        }),
      byNote: (text) =>
        found({ operation: 'search_by_value', search_attribute: 'note', search_value: `*${text}*` }),
      close: () => connection.close(),
    };
  }

  async cut() {
    await this.#subscriber.stop();
  }

  async restore() {
    await this.#subscriber.start();
  }

  cpuSeconds() {
    return this.#nodes().reduce((total, node) => total + (node.isRunning ? cpuSecondsOf(node.pid) : 0), 0);
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
    await Promise.all(this.#nodes().map((node) => node.stop()));
  }

  #nodes() {
    return [this.#publisher, this.#subscriber, ...this.#followers];
  }

  /** @param {string} table */
  #writerOf(table) {
    const connection = this.#publisher.connection();
    const head = `{"operation":"insert","schema":"${schema}","table":"${table}","records":[`;
    return {
      write: async (first, count) => {
        let rows = jsonRow(first);
        for (let number = first + 1; number < first + count; number += 1) rows += `,${jsonRow(number)}`;
        await connection.post(`${head}${rows}]}`);
      },
      close: () => connection.close(),
    };
  }
}

/**
 * @param {LyreNode} node
 * @param {string} table
 * @param {boolean} isIndexed
 */
async function createTable(node, table, isIndexed) {
  // Also makes the schema where that is missing.
  await node.operation({ operation: 'create_table', schema, table, hash_attribute: 'id' });
  if (!isIndexed) return;
  for (const attribute of indexedFields)
    await node.operation({ operation: 'create_attribute', schema, table, attribute });
}

/**
 * @param {LyreNode} subscriber the side that dials
 * @param {LyreNode} publisher
 * @param {readonly string[]} tables
 */
async function subscribe(subscriber, publisher, tables) {
  await subscriber.operation({
    operation: 'add_node',
    ...publisher.address(),
    subscriptions: tables.map((table) => ({
      channel: `${schema}:${table}`,
      subscribe: true,
      publish: false,
    })),
  });
}

/**
 * @param {LyreNode} node
 * @param {string} table
 */
async function recordCount(node, table) {
  const { record_count: count } = await node.operation({ operation: 'describe_table', schema, table });
  return count;
}
