import type * as z from 'zod';
import { CodedError } from '../model/errors.ts';
import { failureText } from '../stream/failure-text.ts';
import type { ChannelPull, PullPace } from '../stream/stream-pull.ts';
import type { LinkState } from './link-state.ts';

/** Nothing came back over a link: a trouble of the link, not of what was asked. */
export class NoAnswerError extends CodedError {
  override readonly name = 'NoAnswerError';

  constructor(peer: string, service: string, cause: unknown) {
    super('unavailable', `${peer} did not answer ${service}: ${failureText(cause)}`, { cause });
  }
}

/** How long an answer is waited for. */
export interface Patience {
  /** Longer than this only for an answer that is on its way. */
  readonly timeoutMs?: number;
  /** No longer than this, whatever is on its way. */
  readonly signal?: AbortSignal;
}

/** Our own way to a peer, as those see it who use it: `Link` over NATS, another one in the simulator. */
export interface PeerLink extends AsyncDisposable {
  readonly state: LinkState;
  /** The peer has answered over the connection that is up now. */
  readonly isOpen: boolean;

  start(): void;

  /** Asks a service of the peer. @throws NoAnswerError; CodedError `unavailable` with what the peer refuses for */
  request<T>(service: string, body: unknown, schema: z.ZodType<T>, patience?: Patience): Promise<T>;

  /**
   * Begins to take what a consumer of the peer's stream delivers, after its message number `delivered`.
   *
   * @throws NoAnswerError
   */
  pull(stream: string, consumer: string, delivered: number, pace: PullPace): ChannelPull;
}
