import type { Logger } from '../runtime/logger.ts';
import { openFrame } from '../model/transaction-codec.ts';
import type { Loop, MakeLoop } from '../runtime/run-loop.ts';
import type { ChannelServer } from './channel-server.ts';
import type { PeerLink } from './peer-link.ts';
import {
  applyResponse,
  carriedBytes,
  type ApplyRequest,
  type ChannelRequest,
  type ChannelResponse,
} from './protocol.ts';
import type { Slots } from './slots.ts';
import type { Bulk, Turn, Turns } from './turns.ts';

export interface PusherOptions {
  readonly peer: string;
  readonly channel: string;
  readonly server: ChannelServer;
  readonly link: PeerLink;
  /** Shared with the other channels that we bring to the peer. */
  readonly turns: Turns;
  /** Of channels that begin, shared with all of the peer. */
  readonly beginning: Slots;
  /** The peer has a live connection of its own: then it pulls. */
  readonly isPulling: () => boolean;
  readonly makeLoop: MakeLoop;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
  readonly log: Logger;
}

/** Even when there is nothing new the receiver is asked this often what it wants, should it not have said so in a greeting. */
const askAgainMs = 60_000;

/**
 * Carries a subscription of a peer that cannot dial us over our own link to it: the peer's receiver says
 * what it wants next, the answer travels as the next push.
 */
export class Pusher implements AsyncDisposable {
  readonly #options: PusherOptions;
  readonly #loop: Loop;
  #wanted: ChannelRequest | undefined;
  /** What is known to wait here for the peer. */
  #bulk: Bulk | undefined;
  #turn: Turn | undefined;
  #askAgainAtMs = 0;

  constructor(options: PusherOptions) {
    this.#options = options;
    this.#loop = options.makeLoop({
      name: `pusher of ${options.channel}`,
      body: async (signal) => {
        const hasMore = await this.#round(signal);
        if (!hasMore) this.#endTurn();
        return hasMore;
      },
      idleMs: 1_000,
      backoff: { minMs: 100, maxMs: 2_000 },
      onError: () => {
        this.#wanted = undefined;
        this.#endTurn();
      },
      log: options.log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Something was committed here, or the link changed. */
  wake(): void {
    this.#loop.wake();
  }

  /** The receiver is known to want something else than it said last. */
  askNow(): void {
    this.#askAgainAtMs = 0;
    this.#loop.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
    this.#endTurn();
  }

  async #round(signal: AbortSignal): Promise<boolean> {
    const { peer, channel, server, link, turns, beginning, isPulling, steadyMs } = this.#options;
    if (!link.isOpen || isPulling()) {
      this.#wanted = undefined;
      return false;
    }
    const turn = this.#wanted && this.#bulk && turns.take(channel, this.#bulk, signal);
    this.#endTurn();
    this.#turn = await turn;
    const response = this.#wanted ? await server.answer(peer, this.#wanted) : null;
    this.#bulk = response ? bulkBehind(response, this.#wanted) : undefined;
    if (response && isNothingNew(response) && steadyMs() < this.#askAgainAtMs) return false;
    this.#askAgainAtMs = steadyMs() + askAgainMs;
    this.#turn?.carried(response ? carriedBytes(response) : 0);
    using _aside = response && mayBeHeld(response) ? turns.stepAside(channel) : undefined;
    const isBeginning = response === null || response.kind === 'begin';
    using _slot = isBeginning ? await beginning.take(signal) : undefined;
    const request: ApplyRequest = { channel, response };
    const { next, answerAlsoIfEmpty } = await link.request('apply', request, applyResponse, { signal });
    this.#wanted = next ?? undefined;
    if (answerAlsoIfEmpty) this.#askAgainAtMs = 0;
    return next !== null;
  }

  #endTurn(): void {
    this.#turn?.[Symbol.dispose]();
    this.#turn = undefined;
  }
}

/** What the answer leaves for later ones. */
function bulkBehind(response: ChannelResponse, asked: ChannelRequest | undefined): Bulk | undefined {
  switch (response.kind) {
    case 'begin': {
      if (response.start.kind === 'copy') return 'copy';
      const { cursor } = asked?.kind === 'subscribe' ? asked : {};
      return (cursor?.seq ?? 0) < response.head.seq ? 'catch-up' : undefined;
    }
    case 'items':
      return (response.items.at(-1)?.seq ?? response.head.seq) < response.head.seq ? 'catch-up' : undefined;
    case 'page':
      return response.isLast ? 'catch-up' : 'copy';
    default:
      return undefined;
  }
}

/** The peer may wait for what comes another way: the body of a stub, or the part of a transaction in another channel. */
function mayBeHeld(response: ChannelResponse): boolean {
  return (
    response.kind === 'items' &&
    response.items
      .map((frame) => openFrame(frame))
      .some(
        ({ kind, ...item }) =>
          kind === 'piece' || kind === 'stub' || ('parts' in item && item.parts.length > 1),
      )
  );
}

/** An answer that the receiver would only ask for again. */
function isNothingNew(response: ChannelResponse): boolean {
  return (response.kind === 'items' && response.items.length === 0) || response.kind === 'waiting';
}
