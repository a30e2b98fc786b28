import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../model/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Store } from '../../store/store.ts';
import { LoginBrake } from './login-brake.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { findUser, type User } from './user.ts';

/** How many verified credentials are remembered; the oldest is forgotten first. */
const maxRemembered = 1_000;

/** How many verifications may wait; they run one by one, so that guessing leaves the other threads to the store. */
const maxWaiting = 100;

/** An address has guessed so much that it is not heard for a while. */
export class TooManyLoginsError extends CodedError {
  override readonly name = 'TooManyLoginsError';
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('too_many_logins', 'Too many failed logins from this address, try again in a few seconds');
    this.retryAfterMs = retryAfterMs;
  }
}

/** A name, a password, and where they come from. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly address: string;
}

export interface LoginsOptions {
  readonly store: Store;
  /** Milliseconds that never jump. */
  readonly steadyMs: () => number;
  readonly log: Logger;
}

/**
 * Checks names and passwords.
 *
 * Passwords are hashed slowly on purpose, so a verified one is remembered: in memory only, as an HMAC under a key
 * that dies with the process, over name, password and the stored hash. A changed password is another HMAC, and
 * the user row is read at every request, so a removed or inactive user is refused at once. Guesses are slowed
 * down by {@link LoginBrake}, from which remembered credentials are free.
 */
export class Logins {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #brake: LoginBrake;
  readonly #key = randomBytes(32);
  readonly #verified = new Set<string>();
  readonly #pending = new Map<string, Promise<boolean>>();
  #decoy: Promise<string> | undefined;
  #lastVerification: Promise<unknown> = Promise.resolve();

  constructor({ store, steadyMs, log }: LoginsOptions) {
    this.#store = store;
    this.#log = log;
    this.#brake = new LoginBrake({ steadyMs });
  }

  /**
   * The user with this name and password; undefined when there is none.
   *
   * @throws CodedError `unauthenticated` for an inactive user; `too_many_logins`; `unavailable` when too many wait
   */
  async login(login: Login): Promise<User | undefined> {
    const { username, address } = login;
    const stored = findUser(this.#store, username);
    // Unknown names take as long as wrong passwords, or the time of an answer would tell them apart.
    const passwordHash =
      stored?.passwordHash ?? (await (this.#decoy ??= hashPassword(randomBytes(16).toString('hex'))));
    const isRight = await this.#verify(login, passwordHash);
    if (stored !== undefined && isRight && stored.user.active) return stored.user;
    // Who does not exist may be a password that was typed in the wrong field.
    this.#log.warn({ address, ...(stored === undefined ? {} : { username }) }, 'login refused');
    if (stored === undefined || !isRight) return undefined;
    throw new CodedError('unauthenticated', 'Cannot complete request: User is inactive');
  }

  async #verify(login: Login, passwordHash: string): Promise<boolean> {
    const { username, password, address } = login;
    const digest = createHmac('sha256', this.#key)
      .update(JSON.stringify([username, password, passwordHash]))
      .digest('base64');
    if (this.#verified.has(digest)) return true;
    // Many connections that open at once with the same credentials cost one verification.
    let verification = this.#pending.get(digest);
    if (verification === undefined) {
      if (this.#pending.size >= maxWaiting) {
        throw new CodedError('unavailable', 'Too many logins at once, try again');
      }
      const waitMs = this.#brake.begin(username, address);
      if (waitMs === undefined) {
        this.#log.warn({ address }, 'login refused unread after many failures');
        throw new TooManyLoginsError(this.#brake.refusedForMs(address));
      }
      verification = this.#verifyInTurn(password, passwordHash, waitMs)
        .then((isRight) => {
          if (!isRight) return false;
          this.#brake.succeeded(username, address);
          this.#remember(digest);
          return true;
        })
        .finally(() => this.#pending.delete(digest));
      this.#pending.set(digest, verification);
    }
    return verification;
  }

  async #verifyInTurn(password: string, passwordHash: string, waitMs: number): Promise<boolean> {
    if (waitMs > 0) await sleep(waitMs);
    const verification = this.#lastVerification.then(() => verifyPassword(password, passwordHash));
    this.#lastVerification = verification.catch(() => undefined);
    return verification;
  }

  #remember(digest: string): void {
    this.#verified.add(digest);
    const [oldest] = this.#verified;
    if (this.#verified.size > maxRemembered && oldest !== undefined) this.#verified.delete(oldest);
  }
}
