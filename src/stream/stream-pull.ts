import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { parseHead } from './message-head.ts';
import { PullQueue, type Pulled } from './pull-queue.ts';

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

/** Messages of a stream as a subscriber takes them. */
export interface ChannelPull extends Disposable {
  /** Number at its consumer of the last message received. */
  readonly delivered: number;

  next(signal: AbortSignal): Promise<Pulled>;

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
  readonly #queue = new PullQueue();
  readonly #unsubscribe: () => void;
  readonly #watchdog: NodeJS.Timeout;
  #outstanding: number;
  #lastHeardMs = performance.now();
  readonly #begunAt: number;
  #delivered: number;

  constructor(options: StreamPullOptions) {
    this.#outstanding = options.maxMessages;
    this.#begunAt = options.delivered;
    this.#delivered = options.delivered;
    const { connection, channel, consumer, heartbeatMs } = options;
    const inbox = createInbox(options.inboxPrefix);
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error) this.doubt(error.message);
        else this.#receive(message);
      },
    });
    this.#unsubscribe = () => subscription.unsubscribe();
    this.#watchdog = setInterval(() => {
      if (performance.now() - this.#lastHeardMs > heartbeatMs * 2.5) this.doubt('heartbeat missed');
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

  next(signal: AbortSignal): Promise<Pulled> {
    return this.#queue.next(signal);
  }

  doubt(reason: string): void {
    this.#queue.finish({ doubt: reason });
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
      this.doubt('a message of an unknown format');
      return;
    }
    const { sequence, pending } = consumerPlaceOf(message.reply);
    if (sequence !== this.#delivered + 1) {
      this.doubt('a message was lost on the way');
      return;
    }
    this.#delivered = sequence;
    this.#queue.add({ head, pending, body: message.data });
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.#queue.finish('done');
  }

  #receiveStatus(status: number, message: Msg): void {
    const description = message.headers?.description ?? '';
    if (status === 100) {
      const sent = Number(message.headers?.get('Nats-Last-Consumer') ?? 0);
      if (sent > this.#delivered) this.doubt('heartbeat ahead of us');
      this.#queue.quiet();
      return;
    }
    const isFull = status === 409 && /maxbytes/i.test(description);
    if (isFull && this.#delivered === this.#begunAt) {
      this.#queue.finish({ doubt: 'the next message is larger than a pull may bring', isStuck: true });
      return;
    }
    const isNormal =
      isFull || status === 404 || status === 408 || (status === 409 && /batch completed/i.test(description));
    this.#queue.finish(isNormal ? 'done' : { doubt: `status ${status} ${description}`.trim() });
  }
}

/** From `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`; two more tokens with a domain. */
function consumerPlaceOf(reply: string | undefined): { readonly sequence: number; readonly pending: number } {
  const tokens = reply?.split('.') ?? [];
  const at = tokens.length >= 11 ? 8 : 6;
  return { sequence: Number(tokens[at] ?? 0), pending: Number(tokens[at + 2] ?? 0) };
}
