import { createHmac, randomBytes } from 'node:crypto';
import { CodedError } from '../model/errors.ts';
import { hashPassword, verifyPassword } from '../operation/user/password.ts';
import { findUser, type User } from '../operation/user/user.ts';
import type { Store } from '../store/store.ts';

/** How many verified credentials are remembered; the oldest is forgotten first. */
const maxRemembered = 1_000;

/** How many verifications may wait; they run one by one, so that guessing leaves the other threads to the store. */
const maxWaiting = 100;

/**
 * Finds out who asks from the `Authorization` header.
 *
 * Passwords are hashed slowly on purpose, so a verified one is remembered: in memory only, as an HMAC under a key
 * that dies with the process, over name, password and the stored hash. A changed password is another HMAC, and
 * the user row is read at every request, so a removed or inactive user is refused at once.
 */
export class Authenticator {
  readonly #store: Store;
  readonly #key = randomBytes(32);
  readonly #verified = new Set<string>();
  readonly #pending = new Map<string, Promise<boolean>>();
  #decoy: Promise<string> | undefined;
  #lastVerification: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly store: Store }) {
    this.#store = options.store;
  }

  /** @throws CodedError `unauthenticated`; `unavailable` when too many passwords wait to be verified */
  async authenticate(header: string | undefined): Promise<User> {
    if (header === undefined || header === '') throw new CodedError('unauthenticated', 'Must login');
    const [scheme = '', value = ''] = header.trim().split(/\s+/, 2);
    if (scheme.toLowerCase() === 'bearer') throw new CodedError('unauthenticated', 'invalid token');
    const credentials = scheme.toLowerCase() === 'basic' ? parseBasic(value) : undefined;
    if (credentials === undefined) throw new CodedError('unauthenticated', 'Login failed');

    const { username, password } = credentials;
    const stored = findUser(this.#store, username);
    // Unknown names take as long as wrong passwords, or the time of an answer would tell them apart.
    const passwordHash =
      stored?.passwordHash ?? (await (this.#decoy ??= hashPassword(randomBytes(16).toString('hex'))));
    const isRight = await this.#verify(username, password, passwordHash);
    if (stored === undefined || !isRight) throw new CodedError('unauthenticated', 'Login failed');
    if (!stored.user.active) {
      throw new CodedError('unauthenticated', 'Cannot complete request: User is inactive');
    }
    return stored.user;
  }

  async #verify(username: string, password: string, passwordHash: string): Promise<boolean> {
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
      verification = this.#lastVerification
        .then(() => verifyPassword(password, passwordHash))
        .finally(() => this.#pending.delete(digest));
      this.#pending.set(digest, verification);
      this.#lastVerification = verification.catch(() => undefined);
    }
    const isRight = await verification;
    if (isRight) this.#remember(digest);
    return isRight;
  }

  #remember(digest: string): void {
    this.#verified.add(digest);
    const [oldest] = this.#verified;
    if (this.#verified.size > maxRemembered && oldest !== undefined) this.#verified.delete(oldest);
  }
}

function parseBasic(value: string): { readonly username: string; readonly password: string } | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
