import type { Logger } from '../runtime/logger.ts';
import type { Loop, MakeLoop } from '../runtime/run-loop.ts';
import type { ChannelServer } from './channel-server.ts';
import type { PeerLink } from './peer-link.ts';
import { applyResponse, type ApplyRequest, type ChannelRequest, type ChannelResponse } from './protocol.ts';

export interface PusherOptions {
  readonly peer: string;
  readonly channel: string;
  readonly server: ChannelServer;
  readonly link: PeerLink;
  /** The peer has a live connection of its own: then it pulls. */
  readonly isPulling: () => boolean;
  readonly makeLoop: MakeLoop;
  readonly now: () => number;
  readonly log: Logger;
}

/** Even when there is nothing new the receiver is asked this often what it wants: it may want to compare. */
const askAgainMs = 5_000;

/**
 * Carries a subscription of a peer that cannot dial us over our own link to it: the peer's receiver says
 * what it wants next, the answer travels as the next push.
 */
export class Pusher implements AsyncDisposable {
  readonly #options: PusherOptions;
  readonly #loop: Loop;
  #wanted: ChannelRequest | undefined;
  #askAgainAtMs = 0;

  constructor(options: PusherOptions) {
    this.#options = options;
    this.#loop = options.makeLoop({
      name: `pusher of ${options.channel}`,
      body: () => this.#round(),
      idleMs: 1_000,
      backoff: { minMs: 100, maxMs: 2_000 },
      onError: () => (this.#wanted = undefined),
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
  }

  async #round(): Promise<boolean> {
    const { peer, channel, server, link, isPulling, now } = this.#options;
    if (!link.isOpen || isPulling()) {
      this.#wanted = undefined;
      return false;
    }
    const response = this.#wanted ? await server.answer(peer, this.#wanted) : null;
    if (response && isNothingNew(response) && now() < this.#askAgainAtMs) return false;
    this.#askAgainAtMs = now() + askAgainMs;
    const request: ApplyRequest = { channel, response };
    const { next } = await link.request('apply', request, applyResponse);
    this.#wanted = next ?? undefined;
    return next !== null;
  }
}

/** An answer that the receiver would only ask for again. */
function isNothingNew(response: ChannelResponse): boolean {
  return (response.kind === 'items' && response.items.length === 0) || response.kind === 'waiting';
}
