import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromSeed } from '@nats-io/nkeys';
import {
  connect,
  nkeyAuthenticator,
  PermissionViolationError,
  type ConnectionOptions,
  type Msg,
  type NatsConnection,
} from '@nats-io/transport-node';
import type * as z from 'zod';
import { decodeMessage } from '../../../src/model/transaction-codec.ts';
import { decodeBody, encodeBody } from '../../../src/channel/message-body.ts';
import type { ClusterNode } from './cluster-node.ts';
import { waitFor } from './wait-for.ts';

/** How a stranger's client signs in. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly seed: Uint8Array }
  | { readonly kind: 'password'; readonly user: string; readonly password: string };

export interface NatsClientOptions {
  readonly server: ClusterNode;
  readonly credentials: Credentials;
  /** The token after `_INBOX_`; what a client may subscribe under is the server's to say. */
  readonly inbox: string;
}

/** The seed of the key by which a node is known to its peers. */
export function seedOf(node: ClusterNode): Uint8Array {
  return new TextEncoder().encode(readFileSync(join(node.rootPath, 'keys', 'node.nk'), 'utf8').trim());
}

export function publicKeyOf(node: ClusterNode): string {
  return fromSeed(seedOf(node)).getPublicKey();
}

/**
 * An ordinary NATS client of a node's server: nothing of a node but, perhaps, its key. Keeps what the server
 * refused, because a publish that is not permitted fails only in what the server says afterwards.
 */
export class NatsClient implements AsyncDisposable {
  readonly connection: NatsConnection;
  readonly inboxPrefix: string;
  readonly #refused: PermissionViolationError[] = [];

  private constructor(connection: NatsConnection, inboxPrefix: string) {
    this.connection = connection;
    this.inboxPrefix = inboxPrefix;
    void this.#listen();
  }

  /** Rejects when the server does not let it in. */
  static async open({ server, credentials, inbox }: NatsClientOptions): Promise<NatsClient> {
    const inboxPrefix = `_INBOX_${inbox}`;
    // `servername` is handed through to node:tls; the type of nats.js does not list it.
    const tls = {
      ca: readFileSync(join(server.rootPath, 'keys', 'cluster.pem'), 'utf8'),
      servername: 'node.lyredb',
    };
    const options: ConnectionOptions = {
      servers: `${server.address.host}:${server.address.port}`,
      tls,
      inboxPrefix,
      timeout: 5_000,
      reconnect: false,
      ...(credentials.kind === 'key' ? { authenticator: nkeyAuthenticator(credentials.seed) } : {}),
      ...(credentials.kind === 'password' ? { user: credentials.user, pass: credentials.password } : {}),
    };
    return new NatsClient(await connect(options), inboxPrefix);
  }

  /** Publishes and says what the server made of it; a flush is answered after everything that was sent before. */
  async publish(
    subject: string,
    body: Uint8Array | string = '',
    reply?: string,
  ): Promise<'sent' | 'refused'> {
    const before = this.#refused.length;
    this.connection.publish(subject, body, reply === undefined ? {} : { reply });
    await this.#heard();
    return this.#refused.slice(before).some((error) => error.subject === subject) ? 'refused' : 'sent';
  }

  /** Subscribes and says what the server made of it; `received` fills while the client is open. */
  async subscribe(
    subject: string,
  ): Promise<{ readonly outcome: 'subscribed' | 'refused'; readonly received: readonly Msg[] }> {
    const before = this.#refused.length;
    const received: Msg[] = [];
    this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (!error) received.push(message);
      },
    });
    await this.#heard();
    const isRefused = this.#refused
      .slice(before)
      .some((error) => error.operation === 'subscription' && error.subject === subject);
    return { outcome: isRefused ? 'refused' : 'subscribed', received };
  }

  /** Calls a service as nodes do. */
  async call<T>(service: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    return decodeBody(schema, (await this.#request(service, body)).data);
  }

  /** Calls a service and gives whatever it answers, decoded. */
  async callAnything(service: string, body: unknown): Promise<unknown> {
    return decodeMessage((await this.#request(service, body)).data);
  }

  /** Messages that a request brings to a fresh inbox of this client, until `count` have come. */
  async gather(subject: string, body: string, count: number): Promise<readonly Msg[]> {
    const inbox = `${this.inboxPrefix}.${Math.random().toString(36).slice(2)}`;
    const { received } = await this.subscribe(inbox);
    await this.publish(subject, body, inbox);
    await waitFor(`${count} answers to ${subject}`, () => received.length >= count);
    return received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }

  async #request(service: string, body: unknown): Promise<Msg> {
    return this.connection.request(service, encodeBody(body), { timeout: 10_000 });
  }

  /** The server answers a flush after its refusals; a turn later those have come through the client's own queue. */
  async #heard(): Promise<void> {
    const flushed = await Promise.race([
      this.connection.flush().then(() => true),
      this.connection.closed().then(() => false),
    ]);
    if (!flushed) throw new Error('the server has ended the connection');
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #listen(): Promise<void> {
    for await (const status of this.connection.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        this.#refused.push(status.error);
  }
}
