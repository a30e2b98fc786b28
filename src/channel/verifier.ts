import type { Source } from '../store/source.ts';
import type { Store } from '../store/store.ts';
import type { ChannelRequest, ChannelResponse } from './protocol.ts';
import { Verification, type VerificationResult } from './verification.ts';

export interface VerifierOptions {
  readonly store: Store;
  readonly channel: string;
  /** From the end of one comparison to the beginning of the next; undefined is only when asked to. */
  readonly intervalMs: number | undefined;
  readonly now: () => number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

interface Comparison {
  readonly source: Source;
  /** What it proves, see `Unproven`. */
  readonly provenId: string | undefined;
  /** Somebody waits for it. */
  readonly isRequested: boolean;
  readonly verification: Verification;
}

/**
 * Compares a channel with its publisher when it is first followed, at an interval, after a copy that alone proves nothing, and
 * when asked to.
 *
 * Serves whatever follows the channel, over our own link or over the peer's: what was asked of one is done by the other.
 */
export class Verifier {
  readonly #options: VerifierOptions;
  #current: Comparison | undefined;
  #last: VerificationResult | undefined;
  #dueAtMs: number;
  /** Since the current one began: it may not see what was there when it was asked for. */
  #isRequested = false;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#dueAtMs = options.intervalMs === undefined ? Infinity : -Infinity;
  }

  /** Somebody waits for one that has not begun. */
  get isRequested(): boolean {
    return this.#isRequested;
  }

  /** The newest comparison that came to its end. */
  get last(): VerificationResult | undefined {
    return this.#last;
  }

  /** Compares as soon as the channel is followed, once more if a comparison is under way. */
  request(): void {
    this.#isRequested = true;
  }

  /**
   * What to ask the publisher now; undefined when nothing is due, or the channel has to come further first.
   *
   * @param source what is followed; undefined while nothing is, or a copy runs: what is under way is broken off
   */
  async next(source: Source | undefined): Promise<ChannelRequest | undefined> {
    const { store, channel, now, steadyMs } = this.#options;
    if (!source) {
      this.#breakOff();
      return undefined;
    }
    const provenId = store.comparison.provable(source);
    // One during which something else is to be proven goes on to its end, and proves nothing.
    const isSame =
      this.#current?.source.storeId === source.storeId &&
      this.#current.source.incarnation === source.incarnation;
    if (!isSame) this.#breakOff();
    if (!this.#current) {
      const isRequested = this.#isRequested;
      if (!isRequested && provenId === undefined && steadyMs() < this.#dueAtMs) return undefined;
      this.#isRequested = false;
      const verification = new Verification({ store, channel, source, now });
      this.#current = { source, provenId, isRequested, verification };
    }
    const request = this.#current.verification.next();
    await this.#finish();
    // It has come to its end without a further question: another one may have been asked for.
    return this.#current ? request : await this.next(source);
  }

  async accept(response: ChannelResponse): Promise<void> {
    await this.#current?.verification.accept(response);
    await this.#finish();
  }

  /** Whoever waits for it gets another one. */
  #breakOff(): void {
    this.#isRequested ||= this.#current?.isRequested === true;
    this.#current = undefined;
  }

  async #finish(): Promise<void> {
    const { source, provenId, verification } = this.#current ?? {};
    const result = verification?.result;
    if (!source || !result) return;
    if (result.early === 0)
      await this.#options.store.comparison.proven(source, provenId, verification?.knowledge);
    this.#last = result;
    this.#current = undefined;
    this.#dueAtMs = this.#options.steadyMs() + (this.#options.intervalMs ?? Infinity);
  }
}
