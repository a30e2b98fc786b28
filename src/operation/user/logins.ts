import { hash, randomBytes } from 'node:crypto';
import { CodedError } from '../../model/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { RareLines } from '../../runtime/rare-lines.ts';
import type { Store } from '../../store/store.ts';
import { LoginBrake } from './login-brake.ts';
import { LoginQueue } from './login-queue.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { findUser, type StoredUser, type User } from './user.ts';

/** How many verified credentials are remembered; the oldest is forgotten first. */
const maxRemembered = 1_000;

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

/** What a verified password was found to be. */
interface Verified {
  readonly stored: StoredUser;
  /** Of the catalog, when the row of the user was last read. */
  readonly catalogVersion: number;
}

/**
 * Checks names and passwords.
 *
 * Passwords are hashed slowly on purpose, so a verified one is remembered: in memory only, as a hash of name and
 * password under a key that dies with the process. It counts for the stored hash that it was verified against, and
 * the row of the user is read again whenever a user or role has changed, so a removed or inactive user is refused at
 * once. Guesses are slowed down by {@link LoginBrake}, from which remembered credentials are free.
 */
export class Logins {
  readonly #store: Store;
  readonly #refused: RareLines;
  readonly #refusedUnread: RareLines;
  readonly #brake: LoginBrake;
  readonly #queue = new LoginQueue();
  readonly #key = randomBytes(32).toString('base64');
  readonly #verified = new Map<string, Verified>();
  readonly #pending = new Map<string, Promise<boolean>>();
  #decoy: Promise<string> | undefined;

  constructor({ store, steadyMs, log }: LoginsOptions) {
    this.#store = store;
    const lines = { log, level: 'warn', field: 'address' } as const;
    this.#refused = new RareLines({ ...lines, message: 'login refused' });
    this.#refusedUnread = new RareLines({ ...lines, message: 'login refused unread after many failures' });
    this.#brake = new LoginBrake({ steadyMs });
  }

  /**
   * The user with this name and password; undefined when there is none.
   *
   * @throws CodedError `unauthenticated` for an inactive user; `too_many_logins`; `unavailable` when too many wait
   */
  async login(login: Login): Promise<User | undefined> {
    const { username, address } = login;
    const catalogVersion = this.#store.catalog.version;
    const digest = this.#digestOf(login);
    const known = this.#verified.get(digest);
    if (known?.catalogVersion === catalogVersion && known.stored.user.active) return known.stored.user;
    const stored = findUser(this.#store, username);
    // Unknown names take as long as wrong passwords, or the time of an answer would tell them apart.
    const passwordHash =
      stored?.passwordHash ?? (await (this.#decoy ??= hashPassword(randomBytes(16).toString('hex'))));
    const isRight =
      passwordHash === known?.stored.passwordHash || (await this.#verify(login, digest, passwordHash));
    if (stored !== undefined && isRight) this.#remember(digest, { stored, catalogVersion });
    if (stored !== undefined && isRight && stored.user.active) return stored.user;
    // Who does not exist may be a password that was typed in the wrong field.
    this.#refused.write(address, stored === undefined ? {} : { username });
    if (stored === undefined || !isRight) return undefined;
    throw new CodedError('unauthenticated', 'Cannot complete request: User is inactive');
  }

  #digestOf({ username, password }: Login): string {
    return hash('sha256', `${this.#key}${username.length} ${username}${password}`, 'base64');
  }

  async #verify(
    { username, password, address }: Login,
    digest: string,
    passwordHash: string,
  ): Promise<boolean> {
    const attempt = `${digest} ${passwordHash}`;
    // Many connections that open at once with the same credentials cost one verification.
    const pending = this.#pending.get(attempt);
    if (pending !== undefined) return pending;
    const isTrusted = this.#brake.isTrusted(username, address);
    const waitMs = this.#brake.begin(username, address);
    if (waitMs === undefined) {
      this.#refusedUnread.write(address);
      throw new TooManyLoginsError(this.#brake.refusedForMs(address));
    }
    const verification = this.#queue
      .verify({ address, isTrusted, waitMs }, () => verifyPassword(password, passwordHash))
      .then((isRight) => {
        if (isRight) this.#brake.succeeded(username, address);
        return isRight;
      })
      .catch((error: unknown) => {
        // Who found no room has not guessed.
        this.#brake.withdraw(username, address);
        throw error;
      })
      .finally(() => this.#pending.delete(attempt));
    this.#pending.set(attempt, verification);
    return verification;
  }

  #remember(digest: string, verified: Verified): void {
    this.#verified.set(digest, verified);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > maxRemembered && oldest !== undefined) this.#verified.delete(oldest);
  }
}
