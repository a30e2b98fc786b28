import { join } from 'node:path';
import { NodePair } from './node-pair.mjs';
import { PouchNode } from './pouch-node.mjs';
import { idOf, indexedFields, jsonRow, recordedAtOf } from './readings.mjs';

/** @typedef {import('./system.mjs').System} System */

/**
 * Two PouchDB servers: the subscriber replicates continuously from the publisher, as CouchDB does.
 *
 * @extends {NodePair<PouchNode>}
 * @implements {System}
 */
export class PouchSystem extends NodePair {
  name = 'pouchdb';
  #versions;
  #newNode;
  /** @type {readonly string[]} */
  #linked = [];
  /** Databases with indexes: each index is one more document. */
  #indexed = new Set();

  /** @param {{ packages: string, versions: Record<string, string>, directory: string }} options */
  constructor({ packages, versions, directory }) {
    const newNode = (/** @type {string} */ name) =>
      new PouchNode({ packages, directory: join(directory, name) });
    super(newNode('publisher'), newNode('subscriber'));
    this.#versions = versions;
    this.#newNode = newNode;
  }

  async describe() {
    return {
      version: this.#versions.pouchdb,
      ...this.#versions,
      settings:
        'as delivered: LevelDB, which does not flush what is acknowledged; indexes are brought up to date by searches, not by writes; plain HTTP',
    };
  }

  async createTable(table, { isIndexed, isReplicated }) {
    await createDatabase(this.publisher, table, isIndexed);
    if (isIndexed) this.#indexed.add(table);
    if (isReplicated) await this.subscriber.ask('PUT', table);
  }

  async openWriter(table) {
    const single = this.publisher.connection(`/${table}`);
    const many = this.publisher.connection(`/${table}/_bulk_docs`);
    return {
      write: async (first, count) => {
        if (count === 1) {
          await single.post(documentOf(first));
          return;
        }
        const documents = Array.from({ length: count }, (_, at) => documentOf(first + at));
        await many.post(`{"docs":[${documents.join()}]}`);
      },
      close: () => {
        single.close();
        many.close();
      },
    };
  }

  async openProbe(table) {
    const connection = this.subscriber.connection(`/${table}/_all_docs`);
    return {
      has: async (id) => (await connection.post(`{"keys":["${id}"]}`)).includes('"rev"'),
      close: () => connection.close(),
    };
  }

  async rowsAtPublisher(table) {
    return this.#rows(this.publisher, table);
  }

  async progress(table) {
    return this.#rows(this.subscriber, table);
  }

  async rowsAtSubscriber(table) {
    return this.#rows(this.subscriber, table);
  }

  async link(tables) {
    this.#linked = tables;
    for (const table of tables) await replicate(this.subscriber, this.publisher, table);
  }

  async startFollower(table) {
    const follower = this.#newNode(`follower-${this.followers.length + 1}`);
    await follower.start();
    this.followers.push(follower);
    await follower.ask('PUT', table);
    await replicate(follower, this.publisher, table);
    return { progress: () => this.#rows(follower, table) };
  }

  async openSearcher(table) {
    const byKey = this.publisher.connection(`/${table}/_all_docs?include_docs=true`);
    const byFields = this.publisher.connection(`/${table}/_find`);
    const found = async (/** @type {object} */ selector, /** @type {number} */ limit) =>
      JSON.parse(await byFields.post(JSON.stringify({ selector, limit }))).docs.length;
    return {
      byId: async (id) => JSON.parse(await byKey.post(`{"keys":["${id}"]}`)).rows.length,
      byTime: (first, count) => found({ recorded_at: { $gte: first, $lt: first + count } }, count),
      byNote: (text) => found({ recorded_at: { $gte: recordedAtOf(0) }, note: { $regex: text } }, 1_000),
      close: () => {
        byKey.close();
        byFields.close();
      },
    };
  }

  /** A continuous replication ends with the process, and is asked for again. */
  async restore() {
    await super.restore();
    await this.link(this.#linked);
  }

  /**
   * Not exact before the documents of the indexes have come.
   *
   * @param {PouchNode} node
   * @param {string} table
   */
  async #rows(node, table) {
    const { doc_count: count } = await node.ask('GET', table);
    return Math.max(0, count - (this.#indexed.has(table) ? indexedFields.length : 0));
  }
}

/** @param {number} number */
function documentOf(number) {
  return `{"_id":"${idOf(number)}",${jsonRow(number).slice(1)}`;
}

/**
 * @param {PouchNode} node
 * @param {string} table
 * @param {boolean} isIndexed
 */
async function createDatabase(node, table, isIndexed) {
  await node.ask('PUT', table);
  if (!isIndexed) return;
  for (const field of indexedFields)
    await node.ask('POST', `${table}/_index`, { index: { fields: [field] } });
}

/**
 * @param {PouchNode} subscriber
 * @param {PouchNode} publisher
 * @param {string} table
 */
async function replicate(subscriber, publisher, table) {
  await subscriber.ask('POST', '_replicate', {
    source: publisher.urlOf(table),
    target: table,
    continuous: true,
  });
}
