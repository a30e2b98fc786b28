import { connect } from 'node:net';

/**
 * One connection to a PostgreSQL of this benchmark, speaking as much of its protocol (version 3, simple query) as the
 * loads need: as cheap a client as the one for HTTP. Expects `trust` authentication.
 */
export class PostgresConnection {
  #socket;
  #waiting;
  #rows = [];
  #error;
  /** @type {Buffer} */
  #received = Buffer.alloc(0);

  /**
   * @param {{ host: string, port: number }} target
   * @returns {Promise<PostgresConnection>}
   */
  static async open(target) {
    const connection = new PostgresConnection(target);
    await connection.#start();
    return connection;
  }

  /** @param {{ host: string, port: number }} target */
  constructor({ host, port }) {
    this.#socket = connect(port, host);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('PostgreSQL closed the connection')));
  }

  /**
   * @param {string} sql ASCII
   * @returns {Promise<string[][]>} rows as text
   */
  query(sql) {
    return this.#send([message('Q', `${sql}\0`)]);
  }

  /**
   * @param {string} table
   * @param {string} lines rows in COPY's text format, ASCII
   */
  copy(table, lines) {
    // Not waiting for the permission to send: after a refusal the server drops what comes.
    return this.#send([message('Q', `COPY ${table} FROM STDIN\0`), message('d', lines), message('c', '')]);
  }

  close() {
    this.#socket.destroy();
  }

  #start() {
    const settings = 'user\0postgres\0database\0postgres\0client_encoding\0UTF8\0\0';
    const head = Buffer.alloc(8);
    head.writeInt32BE(8 + settings.length);
    head.writeInt32BE(3 << 16, 4);
    return this.#send([head, Buffer.from(settings, 'latin1')]);
  }

  /** @param {readonly Buffer[]} messages */
  #send(messages) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#rows = [];
      this.#error = undefined;
      this.#socket.cork();
      for (const bytes of messages) this.#socket.write(bytes);
      this.#socket.uncork();
    });
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    let bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (bytes.length >= 5) {
      const length = 1 + bytes.readInt32BE(1);
      if (bytes.length < length) break;
      this.#handle(String.fromCharCode(bytes[0]), bytes.subarray(5, length));
      bytes = bytes.subarray(length);
    }
    this.#received = bytes;
  }

  /**
   * @param {string} type
   * @param {Buffer} body
   */
  #handle(type, body) {
    if (type === 'D') this.#rows.push(rowOf(body));
    else if (type === 'E') this.#error = new Error(`PostgreSQL: ${errorText(body)}`);
    else if (type === 'R' && body.readInt32BE(0) !== 0) this.#fail(new Error('PostgreSQL wants a password'));
    else if (type === 'Z') {
      if (this.#error) this.#fail(this.#error);
      else this.#waiting?.resolve(this.#rows);
      this.#waiting = undefined;
    }
  }

  /** @param {Error} error */
  #fail(error) {
    this.#waiting?.reject(this.#error ?? error);
    this.#waiting = undefined;
  }
}

/**
 * @param {string} type
 * @param {string} body
 */
function message(type, body) {
  const bytes = Buffer.allocUnsafe(5 + body.length);
  bytes[0] = type.charCodeAt(0);
  bytes.writeInt32BE(4 + body.length, 1);
  bytes.write(body, 5, 'latin1');
  return bytes;
}

/** @param {Buffer} body */
function rowOf(body) {
  const row = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const length = body.readInt32BE(at);
    at += 4;
    row.push(length < 0 ? '' : body.toString('utf8', at, at + length));
    if (length > 0) at += length;
  }
  return row;
}

/** @param {Buffer} body fields, each a letter and a text that ends with a zero */
function errorText(body) {
  const fields = body.toString('utf8').split('\0');
  return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'unknown error';
}
