import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { CodedError } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import { systemTable } from '../system-table.ts';
import type { TokenKeys } from './token-keys.ts';
import { credentialOf, findUser, type StoredUser, type User } from './user.ts';

/** What a token is for, as its `sub` claim says. */
export type TokenKind = 'operation' | 'refresh';

export interface TokensOptions {
  readonly store: Store;
  readonly keys: TokenKeys;
  readonly operationTokenTimeoutMs: number;
  readonly refreshTokenTimeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const algorithm = 'RS256';

/**
 * Tokens in place of passwords: JWTs that this node signs and checks itself.
 *
 * Besides its claims a token is bound to the stored hash of the password, so all tokens of a user end with a new
 * password; and the user row is read at every request, so a removed or inactive user is refused at once.
 * Of the refresh tokens of a user only the last one counts: the row holds a hash of it.
 */
export class Tokens {
  readonly #options: TokensOptions;

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** How long a token may be asked to last. */
  get maxTimeoutMs(): number {
    return this.#options.refreshTokenTimeoutMs;
  }

  /** Both tokens of a user, who must be a stored one; ends the refresh token made before. */
  async create(
    username: string,
    timeoutMs = this.#options.operationTokenTimeoutMs,
  ): Promise<{ readonly operation_token: string; readonly refresh_token: string }> {
    const { store, refreshTokenTimeoutMs } = this.#options;
    const stored = findUser(store, username);
    if (stored === undefined)
      throw new CodedError(
        'invalid_request',
        `'${username}' is no stored user, tell 'username' and 'password'`,
      );
    const operationToken = await this.#sign(stored, 'operation', timeoutMs);
    const refreshToken = await this.#sign(stored, 'refresh', refreshTokenTimeoutMs);
    await store.write({
      table: systemTable(store, 'hdb_user'),
      operation: 'update',
      documents: [{ username, refresh_token: hashOf(stored, refreshToken) }],
      user: username,
    });
    return { operation_token: operationToken, refresh_token: refreshToken };
  }

  /** A new operation token for the last refresh token of a user. @throws CodedError as {@link userOf} */
  async refresh(refreshToken: string): Promise<{ readonly operation_token: string }> {
    const stored = await this.#verify(refreshToken, 'refresh');
    return {
      operation_token: await this.#sign(stored, 'operation', this.#options.operationTokenTimeoutMs),
    };
  }

  /** Whose operation token this is. @throws CodedError `unauthenticated`, `token_expired` */
  async userOf(operationToken: string): Promise<User> {
    return (await this.#verify(operationToken, 'operation')).user;
  }

  /** What the token claims to be for; nothing about it is verified. */
  async claimedKind(token: string): Promise<string | undefined> {
    const { decodeJwt } = await import('jose');
    try {
      return decodeJwt(token).sub;
    } catch {
      return undefined;
    }
  }

  async #sign(stored: StoredUser, kind: TokenKind, timeoutMs: number): Promise<string> {
    // Loaded by who uses tokens; nodes that do not are spared its memory.
    const { SignJWT } = await import('jose');
    const { username, isSuperUser } = stored.user;
    const issuedAt = Math.floor(this.#options.now() / 1_000);
    return new SignJWT({ username, super_user: isSuperUser, credential: credentialOf(stored) })
      .setProtectedHeader({ alg: algorithm })
      .setSubject(kind)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + Math.max(1, Math.round(timeoutMs / 1_000)))
      .sign(this.#options.keys.privateKey);
  }

  async #verify(token: string, kind: TokenKind): Promise<StoredUser> {
    const { errors, jwtVerify } = await import('jose');
    const { keys, now, store } = this.#options;
    const options = {
      algorithms: [algorithm],
      subject: kind,
      requiredClaims: ['exp', 'iat'],
      currentDate: new Date(now()),
    };
    const verified = await jwtVerify(token, keys.publicKey, options).catch((cause: unknown) => {
      if (cause instanceof errors.JWTExpired)
        throw new CodedError('token_expired', 'token expired', { cause });
      throw new CodedError('unauthenticated', 'invalid token', { cause });
    });
    const { username, credential } = verified.payload;
    const stored = typeof username === 'string' ? findUser(store, username) : undefined;
    const isCurrent =
      stored !== undefined &&
      credential === credentialOf(stored) &&
      (kind === 'operation' || isSame(stored.refreshTokenHash ?? '', hashOf(stored, token)));
    if (!isCurrent) throw new CodedError('unauthenticated', 'invalid token');
    if (!stored.user.active)
      throw new CodedError('unauthenticated', 'Cannot complete request: User is inactive');
    return stored;
  }
}

function hashOf({ passwordHash }: StoredUser, token: string): string {
  return createHmac('sha256', passwordHash).update(token).digest('base64');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
