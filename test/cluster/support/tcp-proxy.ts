import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What happens to bytes on their way. `blocked`: connections are destroyed and new ones refused at once.
 * `swallowing`: connections stay and are taken, and nothing passes; neither side is told.
 */
export type ProxyMode = 'open' | 'blocked' | 'swallowing';

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Passage {
  readonly client: Socket;
  readonly target: Socket | undefined;
}

/** A TCP link that a test can break: listens on a free loopback port and forwards to a target. */
export class TcpProxy implements AsyncDisposable {
  readonly #target: () => Address;
  readonly #server: Server;
  readonly #passages = new Set<Passage>();
  #mode: ProxyMode = 'open';
  #accepted = 0;
  #cut = 0;
  #refused = 0;
  #swallowedBytes = 0;
  #forwardedBytes = 0;

  private constructor(target: () => Address) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** @param target asked for each connection, so that the target may move */
  static async to(target: () => Address): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get address(): Address {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy is closed');
    return { host: '127.0.0.1', port: address.port };
  }

  /** Connections that pass bytes now. */
  get open(): number {
    return this.#mode === 'open' ? this.#passages.size : 0;
  }

  /** Since the start: what a test proves its fault by. */
  get counters(): {
    readonly accepted: number;
    readonly cut: number;
    readonly refused: number;
    readonly swallowedBytes: number;
    readonly forwardedBytes: number;
  } {
    return {
      accepted: this.#accepted,
      cut: this.#cut,
      refused: this.#refused,
      swallowedBytes: this.#swallowedBytes,
      forwardedBytes: this.#forwardedBytes,
    };
  }

  /** The link is down and both ends are told at once. */
  block(): void {
    this.#mode = 'blocked';
    this.#cutAll();
  }

  /** The link is down and nobody is told. */
  blackhole(): void {
    this.#mode = 'swallowing';
  }

  /** The link is back. What was swallowed is lost, so connections that lost something are cut. */
  unblock(): void {
    if (this.#mode === 'swallowing') this.#cutAll();
    this.#mode = 'open';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#mode === 'blocked') {
      this.#refused += 1;
      client.resetAndDestroy();
      return;
    }
    this.#accepted += 1;
    const target = this.#mode === 'open' ? connect({ ...this.#target(), allowHalfOpen: true }) : undefined;
    const passage: Passage = { client, target };
    this.#passages.add(passage);
    const end = (): void => {
      if (!this.#passages.delete(passage)) return;
      client.destroy();
      target?.destroy();
    };
    client.on('close', end);
    target?.on('error', () => client.resetAndDestroy());
    target?.on('close', end);
    this.#forward(client, target);
    if (target) this.#forward(target, client);
  }

  /** One direction; each half passes through here, so that a direction can be treated by itself. */
  #forward(from: Socket, to: Socket | undefined): void {
    from.on('data', (bytes: Buffer) => {
      if (this.#mode !== 'open' || !to) {
        this.#swallowedBytes += bytes.length;
        return;
      }
      this.#forwardedBytes += bytes.length;
      if (to.write(bytes)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => {
      if (this.#mode === 'open') to?.end();
    });
  }

  #cutAll(): void {
    for (const { client, target } of this.#passages) {
      this.#cut += 1;
      client.resetAndDestroy();
      target?.resetAndDestroy();
    }
    this.#passages.clear();
  }
}
