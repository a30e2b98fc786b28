import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { parseHead, type MessageHead } from './channel-stream.ts';

export interface PulledMessage {
  readonly head: MessageHead;
  /** Messages behind this one that the stream held when it was sent. */
  readonly pending: number;
  readonly body: Uint8Array;
}

export interface StreamPullOptions extends PullPace {
  /** Connection to the publisher's server. */
  readonly connection: NatsConnection;
  readonly channel: string;
  readonly consumer: string;
  /** The prefix under which this connection may subscribe. */
  readonly inboxPrefix: string;
  /** Consumer sequence of the last message that earlier pulls of this consumer received. */
  readonly delivered: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** How long a pull lasts, and how often the server says meanwhile that it has nothing, ms. */
export interface PullPace {
  readonly expiresMs: number;
  readonly heartbeatMs: number;
}

/** While something is known to wait in the stream: if it does not come, that soon shows. */
export const closePace: PullPace = { expiresMs: 10_000, heartbeatMs: 2_000 };
/** Else: a hundred idle channels must not fill a slow link. A consumer grants no more, see `channel-stream.ts`. */
export const idlePace: PullPace = { expiresMs: 30_000, heartbeatMs: 10_000 };

/** `done`: ask again. Anything else is a doubt: the subscriber begins again from its cursor, without the stream if that is stuck. */
export type PullEnd = 'done' | { readonly doubt: string; readonly isStuck?: true };

/** Messages of a stream as a subscriber takes them. */
export interface ChannelPull extends Disposable {
  /** Number at its consumer of the last message received. */
  readonly delivered: number;

  /** Messages that have arrived, at least one; `quiet` when the server says that it has none now; or how the pull ended. */
  next(signal: AbortSignal): Promise<readonly PulledMessage[] | 'quiet' | PullEnd>;

  /** Ends the pull from outside, for instance when the connection was lost. */
  doubt(reason: string): void;
}

/**
 * One pull request on a fresh inbox.
 *
 * nats.js's own `consume()` is not used: it does not check that stream sequences are contiguous, and
 * stalls on an idle stream after a black-holed link. Here a missed heartbeat, a heartbeat that is ahead of
 * us, a foreign message or any status but the expected ends the pull with a doubt.
 */
export class StreamPull implements ChannelPull {
  readonly #queue: PulledMessage[] = [];
  readonly #unsubscribe: () => void;
  readonly #watchdog: NodeJS.Timeout;
  #outstanding: number;
  #lastHeardMs = performance.now();
  readonly #begunAt: number;
  #delivered: number;
  #isQuiet = false;
  #end: PullEnd | undefined;
  #wake: (() => void) | undefined;

  constructor(options: StreamPullOptions) {
    this.#outstanding = options.maxMessages;
    this.#begunAt = options.delivered;
    this.#delivered = options.delivered;
    const { connection, channel, consumer, heartbeatMs } = options;
    const inbox = createInbox(options.inboxPrefix);
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error) this.#finish({ doubt: error.message });
        else this.#receive(message);
      },
    });
    this.#unsubscribe = () => subscription.unsubscribe();
    this.#watchdog = setInterval(() => {
      if (performance.now() - this.#lastHeardMs > heartbeatMs * 2.5)
        this.#finish({ doubt: 'heartbeat missed' });
    }, heartbeatMs / 2);
    const request = {
      batch: options.maxMessages,
      max_bytes: options.maxBytes,
      expires: options.expiresMs * 1_000_000,
      idle_heartbeat: heartbeatMs * 1_000_000,
    };
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${channel}.${consumer}`, JSON.stringify(request), {
      reply: inbox,
    });
  }

  get delivered(): number {
    return this.#delivered;
  }

  async next(signal: AbortSignal): Promise<readonly PulledMessage[] | 'quiet' | PullEnd> {
    for (;;) {
      if (this.#queue.length > 0) return this.#queue.splice(0);
      if (this.#end) return this.#end;
      if (this.#isQuiet) {
        this.#isQuiet = false;
        return 'quiet';
      }
      if (signal.aborted) return { doubt: 'stopped' };
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          signal.removeEventListener('abort', finish);
          resolve();
        };
        this.#wake = finish;
        signal.addEventListener('abort', finish, { once: true });
      });
    }
  }

  doubt(reason: string): void {
    this.#finish({ doubt: reason });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watchdog);
    this.#unsubscribe();
  }

  #receive(message: Msg): void {
    this.#lastHeardMs = performance.now();
    const status = message.headers?.code ?? 0;
    if (status > 0) {
      this.#receiveStatus(status, message);
      return;
    }
    const head = parseHead(message.headers);
    if (!head) {
      this.#finish({ doubt: 'a message of an unknown format' });
      return;
    }
    const { sequence, pending } = consumerPlaceOf(message.reply);
    if (sequence !== this.#delivered + 1) {
      this.#finish({ doubt: 'a message was lost on the way' });
      return;
    }
    this.#delivered = sequence;
    this.#isQuiet = false;
    this.#queue.push({ head, pending, body: message.data });
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.#finish('done');
    this.#signal();
  }

  #receiveStatus(status: number, message: Msg): void {
    const description = message.headers?.description ?? '';
    if (status === 100) {
      const sent = Number(message.headers?.get('Nats-Last-Consumer') ?? 0);
      if (sent > this.#delivered) this.#finish({ doubt: 'heartbeat ahead of us' });
      this.#isQuiet = true;
      this.#signal();
      return;
    }
    const isFull = status === 409 && /maxbytes/i.test(description);
    if (isFull && this.#delivered === this.#begunAt) {
      this.#finish({ doubt: 'the next message is larger than a pull may bring', isStuck: true });
      return;
    }
    const isNormal =
      isFull || status === 404 || status === 408 || (status === 409 && /batch completed/i.test(description));
    this.#finish(isNormal ? 'done' : { doubt: `status ${status} ${description}`.trim() });
  }

  #finish(end: PullEnd): void {
    this.#end ??= end;
    this.#signal();
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** From `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`; two more tokens with a domain. */
function consumerPlaceOf(reply: string | undefined): { readonly sequence: number; readonly pending: number } {
  const tokens = reply?.split('.') ?? [];
  const at = tokens.length >= 11 ? 8 : 6;
  return { sequence: Number(tokens[at] ?? 0), pending: Number(tokens[at + 2] ?? 0) };
}
