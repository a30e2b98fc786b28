import { PullQueue, type Pulled, type PulledMessage, type PullEnd } from '../../src/stream/pull-queue.ts';
import type { ChannelPull, PullPace } from '../../src/stream/stream-pull.ts';
import type { Life } from './life.ts';

interface PullOptions extends PullPace {
  readonly self: Life;
  readonly publisher: Life;
  readonly stream: string;
  readonly consumer: string;
  readonly delivered: number;
}

/** What `StreamPull` is over NATS: one request to a consumer, and its checks of what comes. */
export class SimulatedPull implements ChannelPull {
  readonly #options: PullOptions;
  readonly #queue = new PullQueue();
  readonly #lane = { lastMs: 0 };
  #delivered: number;
  #lastHeardMs: number;
  #isDisposed = false;
  /** The server is done with this request. */
  #isAnswered = false;

  constructor(options: PullOptions) {
    this.#options = options;
    this.#delivered = options.delivered;
    const { self, publisher, stream, consumer } = options;
    this.#lastHeardMs = self.world.scheduler.nowMs;
    self.world.network.transmit(self.name, publisher.name, `pull of ${stream}`, () => {
      if (publisher.isDead) return;
      if (publisher.streams.hasConsumer(stream, consumer)) {
        publisher.addPull(this);
        this.#beat();
        publisher.after(options.expiresMs, () => this.#status('done'));
      } else this.#status({ doubt: 'status 503' });
    });
    this.#watch();
  }

  get delivered(): number {
    return this.#delivered;
  }

  get channel(): string {
    return this.#options.stream;
  }

  get isOver(): boolean {
    return this.#isDisposed || this.#queue.hasEnded || this.#options.self.isDead;
  }

  /** At the publisher: hands over whatever the consumer has. */
  deliver(): void {
    const { self, publisher, stream, consumer } = this.#options;
    if (this.isOver || publisher.isDead) return;
    if (!publisher.streams.hasConsumer(stream, consumer)) {
      this.#status({ doubt: 'status 409 consumer deleted' });
      return;
    }
    for (;;) {
      const next = publisher.streams.take(stream, consumer);
      if (!next) return;
      const { head, body } = next.message;
      self.world.network.transmit(
        publisher.name,
        self.name,
        `${stream} ${head.first}-${head.last}`,
        () =>
          this.#receive(next.delivered, {
            head,
            pending: next.pending,
            body: self.world.network.carriedMessage(body),
          }),
        this.#lane,
      );
    }
  }

  next(signal: AbortSignal): Promise<Pulled> {
    return this.#queue.next(signal);
  }

  doubt(reason: string): void {
    this.#queue.finish({ doubt: reason });
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#options.publisher.removePull(this);
  }

  #receive(delivered: number, message: PulledMessage): void {
    if (this.isOver) return;
    this.#lastHeardMs = this.#options.self.world.scheduler.nowMs;
    if (delivered !== this.#delivered + 1) {
      this.doubt('a message was lost on the way');
      return;
    }
    this.#delivered = delivered;
    this.#queue.add(message);
  }

  /** What the server says about the request itself. */
  #status(end: PullEnd): void {
    const { self, publisher } = this.#options;
    if (this.isOver || this.#isAnswered) return;
    this.#isAnswered = true;
    publisher.removePull(this);
    self.world.network.transmit(
      publisher.name,
      self.name,
      'a status',
      () => this.#queue.finish(end),
      this.#lane,
    );
  }

  #beat(): void {
    const { self, publisher, stream, consumer, heartbeatMs } = this.#options;
    publisher.after(heartbeatMs, () => {
      if (this.isOver || this.#isAnswered) return;
      const sent = publisher.streams.delivered(stream, consumer);
      const isThere = publisher.streams.hasConsumer(stream, consumer);
      self.world.network.transmit(
        publisher.name,
        self.name,
        'a heartbeat',
        () => {
          this.#lastHeardMs = self.world.scheduler.nowMs;
          if (!isThere) this.doubt('status 409 consumer deleted');
          else if (sent > this.#delivered) this.doubt('heartbeat ahead of us');
          this.#queue.quiet();
        },
        this.#lane,
      );
      this.#beat();
    });
  }

  #watch(): void {
    const { self, heartbeatMs } = this.#options;
    self.after(heartbeatMs, () => {
      if (this.isOver) return;
      if (self.world.scheduler.nowMs - this.#lastHeardMs > heartbeatMs * 2.5) this.doubt('heartbeat missed');
      else this.#watch();
    });
  }
}
