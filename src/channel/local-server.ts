import type { NatsConnection } from '@nats-io/transport-node';
import { RunLoop } from '../runtime/run-loop.ts';
import { streamServer, type StreamServer } from '../stream/channel-stream.ts';
import { connectTo } from '../stream/connection.ts';
import type { NodeKeys } from '../stream/node-keys.ts';
import { Responder, type ResponderOptions } from './responder.ts';

export interface LocalServerOptions extends ResponderOptions {
  readonly keys: NodeKeys;
  readonly server: { readonly host: string; readonly port: number };
  readonly onConnected: () => void;
}

/** The bridge's connection to the node's own nats-server, kept up, and the services it answers there. */
export class LocalServer implements AsyncDisposable {
  readonly host: string;
  readonly #options: LocalServerOptions;
  readonly #responder: Responder;
  readonly #loop: RunLoop;
  #connection: NatsConnection | undefined;
  #streams: StreamServer | undefined;

  constructor(options: LocalServerOptions) {
    this.#options = options;
    this.#responder = new Responder(options);
    const { host } = options.server;
    this.host = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    this.#loop = new RunLoop({
      name: 'own nats-server',
      body: () => this.#round(),
      idleMs: 5_000,
      backoff: { minMs: 50, maxMs: 1_000 },
      log: options.log,
    });
  }

  get connection(): NatsConnection | undefined {
    return this.#connection?.isClosed() === false ? this.#connection : undefined;
  }

  /** The streams behind the connection; undefined while there is none. */
  get streams(): StreamServer | undefined {
    return this.connection && this.#streams;
  }

  start(): void {
    this.#loop.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
    await this.#connection?.close();
  }

  async #round(): Promise<boolean> {
    if (this.connection) return false;
    const { keys, server, onConnected } = this.#options;
    const connection = await connectTo({
      host: this.host,
      port: server.port,
      certificate: keys.certificate,
      seed: keys.seed,
      inbox: 'bridge',
      name: 'bridge',
      timeoutMs: 5_000,
      reconnect: false,
    });
    connection.subscribe('svc.>', {
      callback: (error, message) => {
        if (error) this.#options.log.warn({ err: error }, 'service subscription failed');
        else void this.#responder.respond(message);
      },
    });
    this.#connection = connection;
    this.#streams = streamServer(connection);
    void connection.closed().then(() => this.#loop.wake());
    onConnected();
    return false;
  }
}
