import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { claimPort } from '../../src/process/held-port.ts';
import { findNatsServer } from '../../src/process/find-nats-server.ts';
import { connectTo } from '../../src/stream/connection.ts';
import { waitFor } from '../cluster/support/wait-for.ts';

/** Files of the server's certificate and its key, and the certificate itself. */
export interface ServerTls {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  readonly certificate: string;
}

/** A nats-server with JetStream, without users, and without encryption unless it is given a certificate. */
export class BareServer implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #path: string;

  private constructor(port: number, process: ChildProcess, path: string) {
    this.port = port;
    this.#process = process;
    this.#path = path;
  }

  static async start(tls?: ServerTls): Promise<BareServer> {
    const { path } = await findNatsServer({ configuredPath: process.env['NATS_SERVER_BIN'] });
    const port = await claimPort('127.0.0.1', 0, undefined);
    const directory = mkdtempSync(join(tmpdir(), 'lyre-nats-'));
    const encryption = tls ? ['--tls', '--tlscert', tls.certificateFile, '--tlskey', tls.privateKeyFile] : [];
    const child = spawn(
      path,
      ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory, ...encryption],
      { stdio: 'ignore' },
    );
    const server = new BareServer(port, child, directory);
    try {
      await waitFor('nats-server to listen', async () => child.exitCode === null && isListening(port, tls));
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#path, { recursive: true });
  }
}

async function isListening(port: number, tls: ServerTls | undefined): Promise<boolean> {
  const one = { name: 'listening', inbox: 'listening', timeoutMs: 5_000, reconnect: false };
  const connection = tls
    ? await connectTo({ ...one, host: '127.0.0.1', port, certificate: tls.certificate })
    : await connect({ servers: `127.0.0.1:${port}`, reconnect: false });
  await connection.close();
  return true;
}
