import type * as z from 'zod';
import type { LinkState } from '../../src/channel/link-state.ts';
import { NoAnswerError, type Patience, type PeerLink } from '../../src/channel/peer-link.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';
import { messageOf } from '../../src/model/errors.ts';
import type { Loop } from '../../src/runtime/run-loop.ts';
import type { ChannelPull, PullPace } from '../../src/stream/stream-pull.ts';
import type { Life } from './life.ts';
import { SimulatedPull } from './simulated-pull.ts';

export interface SimulatedLinkOptions {
  readonly self: Life;
  readonly peer: string;
  readonly greet: (link: SimulatedLink) => Promise<unknown>;
  readonly onChange: () => void;
}

const requestTimeoutMs = 5_000;

/** What `Link` is over NATS: the same states and promises, over the simulated network. */
export class SimulatedLink implements PeerLink {
  readonly #options: SimulatedLinkOptions;
  readonly #loop: Loop;
  #state: LinkState = { kind: 'idle' };
  /** The life of the peer that the connection leads to. */
  #connection: Life | undefined;

  constructor(options: SimulatedLinkOptions) {
    this.#options = options;
    this.#loop = options.self.makeLoop({
      name: `link to ${options.peer}`,
      body: async () => this.#round(),
      idleMs: 2_000,
      backoff: { minMs: 100, maxMs: 2_000 },
      log: options.self.log,
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state.kind === 'open' && this.#connection !== undefined;
  }

  start(): void {
    this.#loop.start();
  }

  /** The server behind the connection ended, or somebody cut the wire so that both ends see it. */
  closed(life?: Life): void {
    if (life && this.#connection !== life) return;
    this.#lost('the connection was lost');
    this.#loop.wake();
  }

  async request<T>(
    service: string,
    body: unknown,
    schema: z.ZodType<T>,
    { timeoutMs = requestTimeoutMs, signal }: Patience = {},
  ): Promise<T> {
    const { self, peer } = this.#options;
    const connection = this.#connection;
    if (!connection) throw new NoAnswerError(peer, service, new Error('there is no link to it'));
    if (signal?.aborted) throw new NoAnswerError(peer, service, signal.reason);
    const { network } = self.world;
    const question = encodeBody(body);
    const answer = await new Promise<Uint8Array>((resolve, reject) => {
      const giveUp = (cause: unknown): void => {
        settled();
        reject(new NoAnswerError(peer, service, cause));
      };
      const abort = (): void => giveUp(signal?.reason);
      const cancel = self.after(timeoutMs, () => giveUp(new Error('timeout')));
      signal?.addEventListener('abort', abort);
      const settled = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
      };
      self.crashPoint('before send');
      network.transmit(self.name, peer, service, () => {
        if (connection.isDead) return;
        void connection.serve(self.name, service, question).then((answered) =>
          network.transmit(peer, self.name, `the answer to ${service}`, () => {
            if (self.isDead) return;
            settled();
            resolve(answered);
          }),
        );
      });
    });
    return decodeBody(schema, service === 'pull' ? self.world.network.carriedAnswer(answer) : answer);
  }

  pull(stream: string, consumer: string, delivered: number, pace: PullPace): ChannelPull {
    const { self, peer } = this.#options;
    const connection = this.isOpen ? this.#connection : undefined;
    if (!connection) throw new NoAnswerError(peer, 'a pull', new Error('there is no link to it'));
    return new SimulatedPull({ self, publisher: connection, stream, consumer, delivered, ...pace });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
    this.#connection = undefined;
    this.#state = { kind: 'idle' };
  }

  async #round(): Promise<boolean> {
    const { self, peer, greet } = this.#options;
    try {
      this.#connection ??= self.world.dial(self, peer);
      await greet(this);
      if (!this.#connection) throw new NoAnswerError(peer, 'hello', new Error('the connection was lost'));
      const wasOpen = this.#state.kind === 'open';
      const now = self.now();
      this.#state = { kind: 'open', sinceMs: now, seenMs: now, latencyMs: 1 };
      if (!wasOpen) this.#options.onChange();
    } catch (error) {
      this.#lost(messageOf(error));
      throw error;
    }
    return false;
  }

  #lost(reason: string): void {
    const wasOpen = this.#state.kind === 'open';
    this.#state = { kind: 'closed', reason };
    this.#connection = undefined;
    if (wasOpen) this.#options.onChange();
  }
}
