import { createHash } from 'node:crypto';
import { deferred, type Deferred } from '../runtime/deferred.ts';
import type { Source } from '../store/source.ts';
import type { Store } from '../store/store.ts';
import type { ChannelRequest, ChannelResponse } from './protocol.ts';
import { Verification, type VerificationResult } from './verification.ts';

export interface VerifierOptions {
  readonly store: Store;
  readonly channel: string;
  /** From the end of one comparison to the beginning of the next, at most; undefined is only when asked to. */
  readonly intervalMs: number | undefined;
  readonly now: () => number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

interface Comparison {
  /** Who asks its questions; an answer to anybody else's is not meant for it. */
  readonly asker: object;
  readonly source: Source;
  /** What it proves, see `Unproven`. */
  readonly provenId: string | undefined;
  /** Of those who wait for it. */
  readonly requested: Deferred<VerificationResult> | undefined;
  readonly verification: Verification;
}

/**
 * Compares a channel with its publisher when it is first followed, at an interval, after a copy that alone proves nothing, and
 * when asked to.
 *
 * Serves whatever follows the channel, over our own link or over the peer's: what was asked of one is done by the other,
 * from the beginning.
 */
export class Verifier {
  readonly #options: VerifierOptions;
  #current: Comparison | undefined;
  #last: VerificationResult | undefined;
  #dueAtMs: number;
  /** Since the current one began: it may not see what was there when it was asked for. */
  #requested: Deferred<VerificationResult> | undefined;
  /** Of the publisher's requests. */
  #lastRequest = 0;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#dueAtMs = options.intervalMs === undefined ? Infinity : -Infinity;
  }

  /** It has something to ask the publisher of what is followed: {@link next} would say what. */
  isDue(source: Source | undefined): boolean {
    if (this.#requested) return true;
    if (!source) return false;
    const { store, steadyMs } = this.#options;
    return (
      this.#current !== undefined ||
      steadyMs() >= this.#dueAtMs ||
      store.comparison.provable(source) !== undefined
    );
  }

  /** The newest comparison that came to its end. */
  get last(): VerificationResult | undefined {
    return this.#last;
  }

  /** Compares as soon as the channel is followed, once more if a comparison is under way; resolves to what that finds. */
  async request(): Promise<VerificationResult> {
    this.#requested ??= deferred();
    return this.#requested.promise;
  }

  /** The publisher asks for one, by the same number until it has heard of the answer. */
  answer(request: number): void {
    if (request <= this.#lastRequest) return;
    this.#lastRequest = request;
    void this.request().then((result) => {
      if (this.#last === result) this.#last = { ...result, request };
    });
  }

  /** Ends: whoever waits for a comparison gets one of the other's. */
  handOver(to: Verifier): void {
    this.#breakOff();
    const requested = this.#requested;
    this.#requested = undefined;
    if (requested) void to.request().then(requested.resolve);
  }

  /**
   * What to ask the publisher now; undefined when nothing is due, or the channel has to come further first.
   *
   * @param asker brings the answer to {@link accept}, one at a time
   * @param source what it follows; undefined while nothing is, or a copy runs
   */
  async next(asker: object, source: Source | undefined): Promise<ChannelRequest | undefined> {
    const { store, channel, now, steadyMs } = this.#options;
    if (!source) return undefined;
    const provenId = store.comparison.provable(source);
    // One during which something else is to be proven goes on to its end, and proves nothing.
    if (this.#current && (this.#current.asker !== asker || !isSame(this.#current.source, source)))
      this.#breakOff();
    if (!this.#current) {
      const requested = this.#requested;
      if (!requested && provenId === undefined && steadyMs() < this.#dueAtMs) return undefined;
      this.#requested = undefined;
      const verification = new Verification({ store, channel, source, now, steadyMs });
      this.#current = { asker, source, provenId, requested, verification };
    }
    const current = this.#current;
    const request = current.verification.next();
    await this.#finish(current);
    // It has come to its end without a further question: another one may have been asked for.
    return this.#current === current ? request : await this.next(asker, source);
  }

  async accept(asker: object, response: ChannelResponse): Promise<void> {
    const current = this.#current;
    if (current?.asker !== asker) return;
    await current.verification.accept(response);
    await this.#finish(current);
  }

  /** Whoever waits for it gets another one. */
  #breakOff(): void {
    const { requested } = this.#current ?? {};
    this.#current = undefined;
    if (requested && this.#requested) void this.#requested.promise.then(requested.resolve);
    else this.#requested ??= requested;
  }

  async #finish(current: Comparison): Promise<void> {
    const { source, provenId, requested, verification } = current;
    const { result } = verification;
    if (!result) return;
    if (result.early === 0)
      await this.#options.store.comparison.proven(source, provenId, verification.knowledge);
    // Broken off meanwhile: whoever waits for it gets another one.
    if (this.#current !== current) return;
    // The publisher counts on from the number that it was told last: by its clock alone it may have gone back.
    const request = this.#last?.request;
    const last = request === undefined ? result : { ...result, request };
    this.#last = last;
    this.#current = undefined;
    this.#dueAtMs =
      this.#options.steadyMs() + (this.#options.intervalMs ?? Infinity) * spreadOf(this.#options);
    requested?.resolve(last);
  }
}

/**
 * Part of the interval, another for each node and channel: all that have begun together, after a start or an outage, would
 * have their publisher read its tables for all of them at the same time ever after.
 */
function spreadOf({ store, channel }: VerifierOptions): number {
  const number = createHash('sha256').update(`${store.nodeName} ${channel}`).digest().readUInt32BE();
  return 1 - number / 2 ** 34;
}

function isSame(one: Source, other: Source): boolean {
  return (
    one.storeId === other.storeId &&
    one.incarnation === other.incarnation &&
    one.newerThan === other.newerThan
  );
}
