import type { Logger } from '../runtime/logger.ts';
import type { MakeLoop } from '../runtime/run-loop.ts';
import type { ChannelServer } from './channel-server.ts';
import type { PeerLink } from './peer-link.ts';
import { Pusher } from './pusher.ts';
import type { Slots } from './slots.ts';
import type { Turns } from './turns.ts';

export interface PushersOptions {
  readonly peer: string;
  readonly server: ChannelServer;
  /** Our own link to the peer, once an address is known. */
  readonly link: () => PeerLink | undefined;
  readonly turns: Turns;
  readonly beginning: Slots;
  /** The peer has a live connection of its own: then it pulls. */
  readonly isPulling: () => boolean;
  readonly makeLoop: MakeLoop;
  readonly steadyMs: () => number;
  readonly log: Logger;
}

/** What may have to be brought to a peer over our own link: a pusher for each channel that it takes from us. */
export class Pushers implements AsyncDisposable {
  readonly #options: PushersOptions;
  readonly #pushers = new Map<string, Pusher>();

  constructor(options: PushersOptions) {
    this.#options = options;
  }

  /** Makes what runs fit what the peer takes. */
  async update(channels: readonly string[]): Promise<void> {
    const link = this.#options.link();
    const wanted = new Set(link ? channels : []);
    for (const [channel, pusher] of this.#pushers)
      if (!wanted.has(channel)) {
        this.#pushers.delete(channel);
        await pusher[Symbol.asyncDispose]();
      }
    if (!link) return;
    for (const channel of wanted) {
      if (this.#pushers.has(channel)) continue;
      const pusher = new Pusher({ ...this.#options, channel, link });
      this.#pushers.set(channel, pusher);
      pusher.start();
    }
  }

  /** Something was committed here, or the link changed. */
  wake(): void {
    for (const pusher of this.#pushers.values()) pusher.wake();
  }

  /** The peer is known to want something else than it said last. */
  askNow(channels: readonly string[]): void {
    for (const channel of channels) this.#pushers.get(channel)?.askNow();
  }

  /** Ends all of them: the link becomes another one. */
  async end(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#pushers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pushers.values()].map((pusher) => pusher[Symbol.asyncDispose]()));
  }
}
