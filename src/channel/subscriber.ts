import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../runtime/logger.ts';
import { RareLines } from '../runtime/rare-lines.ts';
import type { Loop, MakeLoop } from '../runtime/run-loop.ts';
import { decodeItems } from '../model/transaction-codec.ts';
import type { PulledMessage } from '../stream/pull-queue.ts';
import { closePace, idlePace, type ChannelPull } from '../stream/stream-pull.ts';
import type { ChannelReceiver } from './channel-receiver.ts';
import { NoAnswerError, type PeerLink } from './peer-link.ts';
import { carriedBytes, channelResponse, type ChannelRequest, type ChannelResponse } from './protocol.ts';
import type { Slots } from './slots.ts';
import type { StreamPlace } from './stream-directory.ts';
import type { Turn, Turns } from './turns.ts';

export interface SubscriberOptions {
  readonly receiver: ChannelReceiver;
  readonly link: PeerLink;
  /** Shared with the other channels that we take from the peer. */
  readonly turns: Turns;
  /** Of channels that begin, shared with all of the peer. */
  readonly beginning: Slots;
  readonly makeLoop: MakeLoop;
  readonly log: Logger;
}

interface Answer {
  readonly response: ChannelResponse;
  /** Ends when it is applied, and the next has been granted. */
  readonly turn: Turn | undefined;
}

const waitingMs = 500;
const maxApplyBytes = 1 << 20;

/**
 * Follows a channel of a peer over our own link: asks until the log has nothing more, then pulls the stream.
 *
 * Anything unexpected on the stream (gap, missed heartbeat, foreign message, lost connection) ends the pull,
 * and the next round subscribes again from the cursor.
 */
export class Subscriber implements AsyncDisposable {
  readonly #options: SubscriberOptions;
  readonly #loop: Loop;
  readonly #verifying: Loop;
  readonly #doubts: RareLines;
  /** The pull that is under way, and how far its consumer had come when it began. */
  #pull:
    | { readonly pull: ChannelPull | undefined; readonly place: StreamPlace; readonly delivered: number }
    | undefined;
  /** While there is a backlog. */
  #turn: Turn | undefined;
  /** Asked while the answer before it is applied. */
  #ahead: { readonly request: ChannelRequest; readonly answer: Promise<Answer> } | undefined;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#doubts = new RareLines({
      log: options.log,
      level: 'info',
      message: 'subscribing again',
      field: 'channel',
    });
    this.#loop = options.makeLoop({
      name: `subscriber of ${options.receiver.channel}`,
      body: async (signal) => {
        const hasMore = await this.#round(signal);
        if (!hasMore) this.#endTurn();
        return hasMore || (this.#isAsking && (await options.receiver.untilBody(signal)));
      },
      idleMs: waitingMs,
      backoff: { minMs: 100, maxMs: 2_000 },
      onError: (error) => {
        this.#doubt();
        options.receiver.unanswered();
        // Silence is no failure of this channel: the others, which it fell on too, still wait for its parts.
        if (this.#options.link.isOpen && !(error instanceof NoAnswerError)) options.receiver.fail(error);
      },
      log: options.log,
    });
    this.#verifying = options.makeLoop({
      name: `verifier of ${options.receiver.channel}`,
      body: (signal) => this.#verify(signal),
      idleMs: waitingMs,
      backoff: { minMs: 1_000, maxMs: 30_000 },
      log: options.log,
    });
  }

  start(): void {
    this.#loop.start();
    this.#verifying.start();
  }

  /** The link came up or went down, or the peer has something new. */
  wake(): void {
    if (!this.#options.link.isOpen) this.#pull?.pull?.doubt('link lost');
    this.#loop.wake();
  }

  /** Nothing comes, though there is something to fetch: begins again, by the log. */
  askAgain(): void {
    this.#options.receiver.distrustStream();
    this.#pull?.pull?.doubt('nothing comes');
    this.#loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#verifying[Symbol.asyncDispose]();
    await this.#loop[Symbol.asyncDispose]();
    this.#forgetAhead();
    this.#endPull();
    this.#endTurn();
  }

  /** There is somebody to ask, and nothing speaks against it now. */
  get #isAsking(): boolean {
    const { receiver, link } = this.#options;
    return link.isOpen && receiver.mayAsk();
  }

  async #round(signal: AbortSignal): Promise<boolean> {
    const { receiver, link } = this.#options;
    if (!link.isOpen) {
      this.#doubt();
      receiver.linkRenewed();
    }
    if (!this.#isAsking) return false;
    const { state } = receiver;
    if (state.kind === 'following' && state.stream) return this.#followStream(state.stream, signal);
    this.#endPull();
    const next = this.#nextAnswer(signal);
    this.#endTurn();
    const { response, turn } = await next;
    this.#turn = turn;
    const following = receiver.ahead(response);
    if (following) this.#askAhead(following, signal);
    await receiver.accept(response);
    return receiver.isBehind || (receiver.state.kind === 'following' && receiver.state.stream !== undefined);
  }

  /** What was asked ahead, where it still is what comes next. */
  async #nextAnswer(signal: AbortSignal): Promise<Answer> {
    const ahead = this.#ahead;
    if (ahead && isSameQuestion(ahead.request, this.#options.receiver.next())) {
      this.#ahead = undefined;
      return ahead.answer;
    }
    this.#forgetAhead();
    const turn = await this.#takeTurn(signal);
    return this.#ask(this.#options.receiver.next(), turn, signal);
  }

  #askAhead(request: ChannelRequest, signal: AbortSignal): void {
    const answer = this.#takeTurn(signal).then(async (turn) => this.#ask(request, turn, signal));
    // Whoever comes for it hears of it.
    answer.catch(() => undefined);
    this.#ahead = { request, answer };
  }

  #forgetAhead(): void {
    void this.#ahead?.answer.then(({ turn }) => turn?.[Symbol.dispose]()).catch(() => undefined);
    this.#ahead = undefined;
  }

  async #ask(request: ChannelRequest, turn: Turn | undefined, signal: AbortSignal): Promise<Answer> {
    const { link, beginning } = this.#options;
    try {
      using _slot = request.kind === 'subscribe' ? await beginning.take(signal) : undefined;
      const response = await link.request(request.kind, request, channelResponse, { signal });
      turn?.carried(carriedBytes(response));
      turn?.arrived();
      return { response, turn };
    } catch (error) {
      turn?.[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * What is new goes at once; what has gathered while the peer was away, and copies, take turns. The next turn is asked
   * for before the last one ends.
   */
  async #takeTurn(signal: AbortSignal): Promise<Turn | undefined> {
    const { receiver, turns } = this.#options;
    return receiver.bulk && turns.take(receiver.channel, receiver.bulk, signal);
  }

  #endTurn(): void {
    this.#turn?.[Symbol.dispose]();
    this.#turn = undefined;
  }

  /**
   * Beside the following: a comparison must not hold up what is new. While a channel of the peer has a backlog it goes on
   * now and then: of that channel it cannot end before all is applied, and others can wait.
   */
  async #verify(signal: AbortSignal): Promise<boolean> {
    const { receiver, link, turns } = this.#options;
    const request = this.#isAsking ? await receiver.nextComparison() : undefined;
    if (!request) return false;
    const patience = { timeoutMs: 30_000, signal };
    await receiver.accept(await link.request(request.kind, request, channelResponse, patience));
    return !turns.areWanted;
  }

  async #followStream(place: StreamPlace, signal: AbortSignal): Promise<boolean> {
    const { receiver } = this.#options;
    const pull = await this.#currentPull(place, signal);
    const arrived = await pull.next(signal);
    if (arrived === 'quiet') {
      receiver.quiet();
      this.#endTurn();
      return true;
    }
    if (arrived === 'done') {
      this.#renewPull();
      return true;
    }
    if ('doubt' in arrived) {
      this.#doubts.write(receiver.channel, { reason: arrived.doubt });
      if (arrived.isStuck) receiver.distrustStream();
      this.#doubt();
      return true;
    }
    for (const messages of upTo(arrived, maxApplyBytes)) {
      const first = messages[0];
      const last = messages.at(-1);
      if (!first || !last) continue;
      this.#turn?.carried(messages.reduce((sum, { body }) => sum + body.length, 0));
      await receiver.accept({
        kind: 'items',
        identity: { storeId: first.head.storeId, incarnation: first.head.incarnation },
        items: messages.flatMap(({ body }) => decodeItems(body)),
        head: { seq: last.head.last + last.pending, committedAtMs: 0 },
        hasStream: false,
      });
      const { state } = receiver;
      if (state.kind !== 'following' || !state.stream) {
        // A gap, a stub or another history: what is queued behind it must not be applied.
        this.#endPull();
        return receiver.isBehind;
      }
    }
    if (!receiver.bulk) this.#endTurn();
    return true;
  }

  async #currentPull(place: StreamPlace, signal: AbortSignal): Promise<ChannelPull> {
    if (this.#pull?.place === place && this.#pull.pull) return this.#pull.pull;
    const delivered = this.#pull?.place === place ? this.#pull.delivered : 0;
    this.#endPull();
    const next = this.#takeTurn(signal);
    this.#endTurn();
    this.#turn = await next;
    const pace = this.#options.receiver.bulk ? closePace : idlePace;
    const pull = this.#options.link.pull(place.stream, place.consumer, delivered, pace);
    this.#pull = { pull, place, delivered };
    return pull;
  }

  #doubt(): void {
    this.#forgetAhead();
    this.#endPull();
    this.#endTurn();
    if (this.#options.receiver.state.kind !== 'awaiting-body') this.#options.receiver.restart();
  }

  /** The consumer goes on where the pull ended. */
  #renewPull(): void {
    if (!this.#pull?.pull) return;
    const { pull, place } = this.#pull;
    pull[Symbol.dispose]();
    this.#pull = { pull: undefined, place, delivered: pull.delivered };
  }

  #endPull(): void {
    this.#pull?.pull?.[Symbol.dispose]();
    this.#pull = undefined;
  }
}

/** The link may have shown meanwhile that it can carry more, or less. */
function isSameQuestion(one: ChannelRequest, other: ChannelRequest): boolean {
  return isDeepStrictEqual({ ...one, maxBytes: 0 }, { ...other, maxBytes: 0 });
}

/** Runs of consecutive messages of one history, each of about `maxBytes`. */
function* upTo(messages: readonly PulledMessage[], maxBytes: number): Generator<PulledMessage[]> {
  let run: PulledMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const [first] = run;
    const isOther =
      first &&
      (first.head.storeId !== message.head.storeId || first.head.incarnation !== message.head.incarnation);
    if (run.length > 0 && (isOther || bytes + message.body.length > maxBytes)) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(message);
    bytes += message.body.length;
  }
  if (run.length > 0) yield run;
}
