import { connect } from 'node:net';

/**
 * One keep-alive connection that carries one request at a time, written by hand on a plain socket: a request costs a
 * fraction of what an HTTP library takes, so that the client is not what is measured.
 *
 * Connects when first used. Not for long pauses: the server closes idle connections.
 */
export class HttpConnection {
  #target;
  #head;
  #socket;
  #waiting;
  /** @type {Buffer} */
  #received = Buffer.alloc(0);

  /** @param {{ host: string, port: number, path?: string, user?: string, password?: string }} target */
  constructor(target) {
    this.#target = target;
    const { host, path = '/', user, password } = target;
    const credentials =
      user === undefined ? undefined : Buffer.from(`${user}:${password}`).toString('base64');
    const authorization = credentials === undefined ? '' : `Authorization: Basic ${credentials}\r\n`;
    this.#head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${authorization}Content-Type: application/json\r\nContent-Length: `;
  }

  /**
   * @param {string} body ASCII JSON
   * @returns {Promise<string>} body of the answer
   * @throws an Error on any other status than 200 and 201
   */
  post(body) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket ??= this.#open();
      this.#socket.write(`${this.#head}${body.length}\r\n\r\n${body}`, 'latin1');
    });
  }

  close() {
    this.#socket?.destroy();
  }

  #open() {
    const socket = connect(this.#target.port, this.#target.host);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
      this.#received = Buffer.alloc(0);
      this.#fail(new Error('The node closed the connection'));
    });
    return socket;
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const bodyStart = headEnd + 4;
    if (this.#received.length < bodyStart + length) return;
    const body = this.#received.toString('utf8', bodyStart, bodyStart + length);
    this.#received = Buffer.alloc(0);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (/^HTTP\/1\.1 20[01] /.test(head)) waiting?.resolve(body);
    else waiting?.reject(new Error(`${head.slice(0, head.indexOf('\r\n'))}: ${body}`));
  }

  /** @param {Error} error */
  #fail(error) {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
