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

/** A direction of the bytes, seen from the node that dials. */
export type Direction = 'out' | 'back';

export interface Shape {
  /** Of each direction, for all connections together. */
  readonly bytesPerSecond: number;
  /** From one end to the other, beside what the rate costs. */
  readonly delayMs: number;
}

/** What passes at once when the link is shaped: small, so that nothing waits long behind the bytes of another connection. */
const shapedPieceBytes = 1_400;

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
  #cutFrames = 0;
  #swallowed: ReadonlySet<Direction> = new Set();
  #shape: Shape | undefined;
  #cutting: Direction | undefined;
  /** When the last byte of each direction has left the near end, while the link is shaped. */
  readonly #busyUntilMs = { out: 0, back: 0 };

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
    readonly cutFrames: number;
  } {
    return {
      accepted: this.#accepted,
      cut: this.#cut,
      refused: this.#refused,
      swallowedBytes: this.#swallowedBytes,
      forwardedBytes: this.#forwardedBytes,
      cutFrames: this.#cutFrames,
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

  /** One direction of the link is down and nobody is told; the other goes on. */
  swallow(direction: Direction): void {
    this.#swallowed = new Set([direction]);
  }

  /** From now on the link is slow and far; undefined makes it what it was. */
  shape(shape: Shape | undefined): void {
    this.#shape = shape;
  }

  /** The next bytes that go this way get through by half, then their connection is cut. */
  cutNextFrame(direction: Direction): void {
    this.#cutting = direction;
  }

  /** The link is back. What was swallowed is lost, so connections that lost something are cut. */
  unblock(): void {
    if (this.#mode === 'swallowing' || this.#swallowed.size > 0) this.#cutAll();
    this.#mode = 'open';
    this.#swallowed = new Set();
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
    this.#forward('out', client, target);
    if (target) this.#forward('back', target, client);
  }

  /** One direction; each half passes through here, so that a direction can be treated by itself. */
  #forward(direction: Direction, from: Socket, to: Socket | undefined): void {
    from.on('data', (bytes: Buffer) => {
      if (this.#mode !== 'open' || !to || this.#swallowed.has(direction)) {
        this.#swallowedBytes += bytes.length;
        return;
      }
      if (this.#cutting === direction && bytes.length > 1) {
        this.#cutting = undefined;
        this.#cutFrames += 1;
        const half = bytes.subarray(0, Math.floor(bytes.length / 2));
        this.#forwardedBytes += half.length;
        from.pause();
        // Both ends are told, the far one after it has half of what was sent.
        to.end(half, () => {
          from.resetAndDestroy();
          to.destroySoon();
        });
        return;
      }
      this.#forwardedBytes += bytes.length;
      if (this.#shape) {
        this.#forwardSlowly(this.#shape, direction, bytes, from, to);
        return;
      }
      if (to.write(bytes)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => {
      if (this.#mode !== 'open') return;
      // Behind what is still on its way.
      if (this.#shape)
        setTimeout(() => to?.end(), this.#busyUntilMs[direction] - performance.now() + this.#shape.delayMs);
      else to?.end();
    });
  }

  /** Takes no more from the near end than the rate lets through; what is under way may fill the delay. */
  #forwardSlowly(
    { bytesPerSecond, delayMs }: Shape,
    direction: Direction,
    bytes: Buffer,
    from: Socket,
    to: Socket,
  ): void {
    for (let start = 0; start < bytes.length; start += shapedPieceBytes) {
      const piece = bytes.subarray(start, start + shapedPieceBytes);
      const nowMs = performance.now();
      this.#busyUntilMs[direction] =
        Math.max(nowMs, this.#busyUntilMs[direction]) + (piece.length / bytesPerSecond) * 1_000;
      // Timers of one direction are due in the order in which they were set.
      setTimeout(() => to.writable && to.write(piece), this.#busyUntilMs[direction] - nowMs + delayMs);
    }
    from.pause();
    setTimeout(() => from.resume(), this.#busyUntilMs[direction] - performance.now());
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
