import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../model/errors.ts';
import { placeOf, siteOf } from './login-place.ts';

/** How many may wait in all; the last of it is for those that are trusted. */
const maxWaiting = 100;
const keptForTrusted = 25;
/** How many of one place, and of one site, may be among them. */
const maxOfPlace = 6;
const maxOfSite = 16;

/** What is known of a login before its password is read. */
export interface QueuedLogin {
  readonly address: string;
  /** The user has logged in from there before. */
  readonly isTrusted: boolean;
  /** Before it may have its turn. */
  readonly waitMs: number;
}

type Line = (() => Promise<void>)[];

/**
 * Runs verifications one by one, so that guessing leaves the other threads to the store.
 *
 * No place can fill it, and no number of places what is kept for the trusted, whose turn comes first.
 */
export class LoginQueue {
  readonly #counts = new Map<string, number>();
  readonly #trusted: Line = [];
  readonly #others: Line = [];
  #waiting = 0;
  #isRunning = false;

  /** @throws CodedError `unavailable` when there is no room */
  async verify(login: QueuedLogin, verification: () => Promise<boolean>): Promise<boolean> {
    const [place, site] = [`place ${placeOf(login.address)}`, `site ${siteOf(login.address)}`];
    const isFull =
      this.#waiting >= (login.isTrusted ? maxWaiting : maxWaiting - keptForTrusted) ||
      this.#countOf(place) >= maxOfPlace ||
      this.#countOf(site) >= maxOfSite;
    if (isFull) throw new CodedError('unavailable', 'Too many logins at once, try again');
    this.#count(1, place, site);
    try {
      if (login.waitMs > 0) await sleep(login.waitMs);
      return await this.#inTurn(login.isTrusted ? this.#trusted : this.#others, verification);
    } finally {
      this.#count(-1, place, site);
    }
  }

  #inTurn(line: Line, verification: () => Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      line.push(() => verification().then(resolve, reject));
      void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) await next();
    this.#isRunning = false;
  }

  #next(): (() => Promise<void>) | undefined {
    return this.#trusted.shift() ?? this.#others.shift();
  }

  #countOf(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  #count(change: 1 | -1, ...keys: readonly string[]): void {
    this.#waiting += change;
    for (const key of keys) {
      const count = this.#countOf(key) + change;
      if (count > 0) this.#counts.set(key, count);
      else this.#counts.delete(key);
    }
  }
}
