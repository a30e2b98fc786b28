import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { open } from 'lmdb';
import { findNatsServer } from '../nats-server/find.mjs';
import { rateFigure } from './figure.mjs';
import { freePort } from './free-port.mjs';
import { HttpConnection } from './http-connection.mjs';
import { end, spawnOwned } from './owned-processes.mjs';
import { cpuSecondsOf } from './process-tree.mjs';
import { measureRate, warmUpMs } from './rate.mjs';
import { idOf, jsonRow } from './readings.mjs';

const host = '127.0.0.1';
const concurrency = 64;

/** What the parts that a node is made of do alone, with the same rows: no node can be faster than these. */
export class RawLimits {
  name = 'raw limits';
  #root;
  #directory;
  #windowMs;

  /** @param {{ root: string, directory: string, scale: number }} options */
  constructor({ root, directory, scale }) {
    this.#root = root;
    this.#directory = directory;
    this.#windowMs = Math.max(1_000, 4_000 * scale);
  }

  /** @returns {Promise<import('./figure.mjs').Figure[]>} */
  async measure() {
    mkdirSync(this.#directory, { recursive: true });
    try {
      return [
        await this.#flushes(),
        ...(await this.#lmdb()),
        await this.#natsServer(),
        await this.#httpServer(),
      ];
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }

  async #flushes() {
    const file = openSync(join(this.#directory, 'flushes'), 'w');
    const page = Buffer.alloc(4_096, 1);
    try {
      return await this.#rate('flushes of 4 KiB, one after the other', 'flushes/s', [
        async () => {
          writeSync(file, page);
          fdatasyncSync(file);
          return 1;
        },
      ]);
    } finally {
      closeSync(file);
    }
  }

  /** Opened as a node opens it: a put resolves when it is on disk. */
  async #lmdb() {
    const environment = open({
      path: join(this.#directory, 'lmdb', 'data.mdb'),
      noSubdir: true,
      overlappingSync: false,
      encoding: 'binary',
    });
    let next = 0;
    const row = () => /** @type {const} */ ([idOf(next), Buffer.from(jsonRow(next++), 'latin1')]);
    try {
      return [
        await this.#rate(
          `LMDB, one tree, ${concurrency} writers of a row`,
          'rows/s',
          writers(async () => {
            await environment.put(...row());
            return 1;
          }),
        ),
        await this.#rate('LMDB, one tree, one writer of 1,000 rows', 'rows/s', [
          async () => {
            await environment.transaction(() => {
              for (let rows = 0; rows < 1_000; rows += 1) void environment.put(...row());
            });
            return 1_000;
          },
        ]),
      ];
    } finally {
      await environment.close();
    }
  }

  /** JetStream acknowledges before it flushes. */
  async #natsServer() {
    const { server } = await findNatsServer(
      join(this.#root, '.nats', 'nats-server'),
      process.env.NATS_SERVER_BIN,
    );
    if (!server) throw new Error('There is no nats-server to measure: run npm run setup');
    const port = await freePort(host);
    const child = spawnOwned(
      server.path,
      ['-js', '-sd', join(this.#directory, 'jetstream'), '-a', host, '-p', String(port)],
      { stdio: 'ignore' },
    );
    const connection = await connect({
      servers: `${host}:${port}`,
      reconnect: true,
      waitOnFirstConnect: true,
    });
    try {
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: 'raw', subjects: ['raw'] });
      const client = jetstream(connection);
      let next = 0;
      return await this.#rate(
        `nats-server, JetStream publishes of a row, ${concurrency} at a time, not flushed`,
        'rows/s',
        writers(async () => {
          await client.publish('raw', jsonRow(next++));
          return 1;
        }),
        child.pid,
      );
    } finally {
      await connection.close();
      await end(child, 'SIGTERM');
    }
  }

  async #httpServer() {
    const port = await freePort(host);
    const script = fileURLToPath(new URL('empty-http-server.mjs', import.meta.url));
    const child = spawnOwned(process.execPath, [script, host, String(port)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    const connections = Array.from(
      { length: concurrency },
      () => new HttpConnection({ host, port, user: 'admin', password: 'bench-admin' }),
    );
    let next = 0;
    try {
      return await this.#rate(
        `node:http, requests with a row, ${concurrency} connections`,
        'requests/s',
        connections.map((connection) => async () => {
          await connection.post(jsonRow(next++));
          return 1;
        }),
        child.pid,
      );
    } finally {
      for (const connection of connections) connection.close();
      await end(child, 'SIGTERM');
    }
  }

  /**
   * @param {string} name
   * @param {string} unit
   * @param {readonly (() => Promise<number>)[]} writing
   * @param {number} [pid] of what is measured, where that is not this process
   */
  async #rate(name, unit, writing, pid) {
    const rate = await measureRate({
      writers: writing,
      warmUpMs,
      windowMs: this.#windowMs,
      cpuSeconds: () => (pid === undefined ? 0 : cpuSecondsOf(pid)),
    });
    return { ...rateFigure('X', name, rate), unit };
  }
}

/** @param {() => Promise<number>} write */
function writers(write) {
  return Array.from({ length: concurrency }, () => write);
}
