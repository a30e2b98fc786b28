import { connect, createServer } from 'node:net';
import { once } from 'node:events';

/**
 * A stretch of network between two nodes: whoever connects to its port is passed on to the target, until the
 * gate is shut.
 */
export class LinkGate {
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  #isOpen = true;
  #refused = 0;
  #server = createServer((socket) => this.#pass(socket));
  #target;
  #port = 0;

  /** @param {number} target the port that is behind the gate */
  constructor(target) {
    this.#target = target;
  }

  get port() {
    return this.#port;
  }

  /** Connections that pass at this moment. */
  get passing() {
    return this.#sockets.size / 2;
  }

  /** When the first connection passed since the gate was opened. @type {number | undefined} */
  passedAtMs;

  /** Attempts that found the gate shut. */
  get refused() {
    return this.#refused;
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  /** Breaks every connection without a word to either end, and refuses new ones. */
  shut() {
    this.#isOpen = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  open() {
    this.#isOpen = true;
    this.passedAtMs = undefined;
  }

  close() {
    this.shut();
    this.#server.close();
  }

  /** @param {import('node:net').Socket} near */
  #pass(near) {
    if (!this.#isOpen) {
      this.#refused += 1;
      near.on('error', () => undefined);
      near.resetAndDestroy();
      return;
    }
    this.passedAtMs ??= performance.now();
    const far = connect({ host: '127.0.0.1', port: this.#target });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
