import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findNatsServer } from '../nats-server/find.mjs';
import { LyreNode } from './lyre-node.mjs';
import { NodePair } from './node-pair.mjs';
import { treeOf } from './process-tree.mjs';
import { indexedFields, jsonRow } from './readings.mjs';
import { bytesWithPort } from './socket-bytes.mjs';

const schema = 'bench';

/** @typedef {import('./system.mjs').System} System */

/**
 * Two nodes of this clone: one publishes, one subscribes.
 *
 * @extends {NodePair<LyreNode>}
 * @implements {System}
 */
export class LyreSystem extends NodePair {
  name = 'lyredb';
  #root;
  #newNode;
  #isOneProcess;

  /** @param {{ root: string, directory: string, isOneProcess: boolean, profileDirectory: string | undefined }} options */
  constructor({ root, directory, isOneProcess, profileDirectory }) {
    const newNode = (/** @type {string} */ name) =>
      new LyreNode({ root, directory: join(directory, name), name, isOneProcess, profileDirectory });
    super(newNode('bench-edge'), newNode('bench-host'));
    this.#root = root;
    this.#isOneProcess = isOneProcess;
    this.#newNode = newNode;
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
        'as delivered: a request is acknowledged after its commit is flushed; HTTP with Basic auth, TLS between nodes' +
        (this.#isOneProcess ? '; api and bridge in one process' : ''),
    };
  }

  async createTable(table, { isIndexed, isReplicated }) {
    for (const node of isReplicated ? [this.publisher, this.subscriber] : [this.publisher])
      await createTable(node, table, isIndexed);
  }

  async openWriter(table) {
    const connection = this.publisher.connection();
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

  async openProbe(table) {
    const connection = this.subscriber.connection();
    return {
      has: async (id) => {
        const body = `{"operation":"search_by_hash","schema":"${schema}","table":"${table}","hash_values":["${id}"],"get_attributes":["id"]}`;
        return (await connection.post(body)).includes(id);
      },
      close: () => connection.close(),
    };
  }

  async rowsAtPublisher(table) {
    return recordCount(this.publisher, table);
  }

  async progress(table) {
    return recordCount(this.subscriber, table);
  }

  async rowsAtSubscriber(table) {
    return recordCount(this.subscriber, table);
  }

  async link(tables) {
    await subscribe(this.subscriber, this.publisher, tables);
  }

  /** Of the subscriber's connections to the publisher: it is the one that dials. */
  wireBytes() {
    return bytesWithPort(treeOf(this.subscriber.pid), this.publisher.address().port);
  }

  async startFollower(table) {
    const follower = this.#newNode(`bench-follower-${this.followers.length + 1}`);
    await follower.start();
    this.followers.push(follower);
    await createTable(follower, table, true);
    await subscribe(follower, this.publisher, [table]);
    return { progress: () => recordCount(follower, table) };
  }

  async openSearcher(table) {
    const connection = this.publisher.connection();
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
