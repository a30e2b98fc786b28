import { createHash } from 'node:crypto';
import { placeOf } from './login-place.ts';

/** Failures that cost nothing; people mistype. */
const freeFailures = 10;
/** One failure is forgotten in this time. */
const forgetMs = 10_000;
/** Distance of the attempts of one address, and of those for one user, once they are braked. */
const addressSpacingMs = 1_000;
const userSpacingMs = 250;
/** Nobody waits longer; an address that would have to is refused. */
const maxWaitMs = 2_000;
const maxKeys = 10_000;

interface Failures {
  readonly level: number;
  readonly asOfMs: number;
  /** The next attempt begins no earlier. */
  readonly nextAtMs: number;
}

/**
 * Slows down who guesses passwords.
 *
 * An address that failed often gets one attempt a second, and is refused beyond that. Attempts for a user with
 * many failures wait a little, wherever they come from, but are never refused for it: nobody can lock another
 * out, and an address from which the user has logged in does not even wait. Memory is bounded; the key that was
 * not used for longest is forgotten first.
 */
export class LoginBrake {
  readonly #steadyMs: () => number;
  readonly #addresses = new Map<string, Failures>();
  readonly #users = new Map<string, Failures>();
  readonly #trusted = new Map<string, true>();

  constructor(options: { readonly steadyMs: () => number }) {
    this.#steadyMs = options.steadyMs;
  }

  /** Counts an attempt as a failure until it {@link succeeded}; how long it has to wait, undefined to refuse it. */
  begin(username: string, address: string): number | undefined {
    const place = placeOf(address);
    const addressWaitMs = this.#waitMs(this.#addresses.get(place), addressSpacingMs);
    if (addressWaitMs > maxWaitMs) return undefined;
    const user = digestOf(username);
    const isTrusted = this.isTrusted(username, address);
    const userWaitMs = isTrusted
      ? 0
      : Math.min(maxWaitMs, this.#waitMs(this.#users.get(user), userSpacingMs));
    this.#count(this.#addresses, place, addressSpacingMs);
    if (!isTrusted) this.#count(this.#users, user, userSpacingMs);
    return Math.max(addressWaitMs, userWaitMs);
  }

  /** How long an address that is refused has to keep quiet until it is heard again. */
  refusedForMs(address: string): number {
    return this.#waitMs(this.#addresses.get(placeOf(address)), addressSpacingMs) - maxWaitMs;
  }

  /** Whether the user has logged in from there before. */
  isTrusted(username: string, address: string): boolean {
    return this.#trusted.has(`${digestOf(username)} ${placeOf(address)}`);
  }

  succeeded(username: string, address: string): void {
    this.withdraw(username, address);
    put(this.#trusted, `${digestOf(username)} ${placeOf(address)}`, true);
  }

  /** An attempt that was begun is no failure: its password was right, or nobody looked at it. */
  withdraw(username: string, address: string): void {
    for (const [failures, key] of [
      [this.#addresses, placeOf(address)],
      [this.#users, digestOf(username)],
    ] as const) {
      const known = failures.get(key);
      if (known !== undefined) failures.set(key, { ...known, level: Math.max(0, known.level - 1) });
    }
  }

  #waitMs(failures: Failures | undefined, spacingMs: number): number {
    if (failures === undefined || this.#levelNow(failures) < freeFailures) return 0;
    return Math.max(spacingMs, failures.nextAtMs - this.#steadyMs());
  }

  #levelNow({ level, asOfMs }: Failures): number {
    return Math.max(0, level - Math.max(0, this.#steadyMs() - asOfMs) / forgetMs);
  }

  #count(failures: Map<string, Failures>, key: string, spacingMs: number): void {
    const known = failures.get(key);
    const now = this.#steadyMs();
    const level = known === undefined ? 0 : this.#levelNow(known);
    const startMs = now + this.#waitMs(known, spacingMs);
    // What was counted up to a maximum is forgotten again in minutes.
    put(failures, key, {
      level: Math.min(level + 1, 3 * freeFailures),
      asOfMs: now,
      nextAtMs: startMs + spacingMs,
    });
  }
}

function put<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > maxKeys && oldest !== undefined) map.delete(oldest);
}

/** Names come from strangers and may be long; the map must not grow with them. */
function digestOf(username: string): string {
  return createHash('sha256').update(username).digest('base64');
}
