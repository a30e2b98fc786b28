import { cpuSecondsOf, ownMiB, peakResidentMiB, pssMiB } from './process-tree.mjs';
import { measureRate } from './rate.mjs';

/**
 * A node as its system starts and ends it.
 *
 * @typedef {object} Node
 * @property {boolean} isRunning
 * @property {number} pid
 * @property {() => Promise<void>} start
 * @property {() => Promise<void>} stop
 */

/**
 * What systems of two node processes and perhaps more subscribers have in common.
 *
 * @template {Node} N
 */
export class NodePair {
  /** @type {N[]} */
  followers = [];

  /**
   * @param {N} publisher
   * @param {N} subscriber
   */
  constructor(publisher, subscriber) {
    this.publisher = publisher;
    this.subscriber = subscriber;
  }

  startPublisher() {
    return this.publisher.start();
  }

  startSubscriber() {
    return this.subscriber.start();
  }

  /**
   * @param {string} _table
   * @returns {Promise<import('./system.mjs').Writer>}
   */
  async openWriter(_table) {
    throw new Error('This system has no writer');
  }

  async singles({ table, connections, warmUpMs, windowMs }) {
    const writers = await Promise.all(Array.from({ length: connections }, () => this.openWriter(table)));
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

  async cut() {
    await this.subscriber.stop();
  }

  async restore() {
    await this.subscriber.start();
  }

  cpuSeconds() {
    return this.#nodes().reduce((total, node) => total + (node.isRunning ? cpuSecondsOf(node.pid) : 0), 0);
  }

  idleMiB() {
    return pssMiB(this.publisher.pid);
  }

  peakMiB() {
    return peakResidentMiB(this.subscriber.pid);
  }

  ownMiB() {
    return ownMiB(this.subscriber.pid);
  }

  async close() {
    await Promise.all(this.#nodes().map((node) => node.stop()));
  }

  #nodes() {
    return [this.publisher, this.subscriber, ...this.followers];
  }
}
