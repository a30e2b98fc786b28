import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { CodedError } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import { systemTable } from '../system-table.ts';
import type { TokenKeys } from './token-keys.ts';
import { findProved, findUser, type Holder, type StoredUser, type User } from './user.ts';

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
 * Of the refresh tokens of a user only the last one counts: the row holds a hash of it. What is given for a token is over
 * when that one is, so that none renews itself for ever.
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

  /**
   * Both tokens of a user, who must be a stored one, over at `endsAtMs` at the latest; ends the refresh token made before.
   *
   * @throws CodedError `unauthenticated` where the password is another one by now, `invalid_request`
   */
  async create(
    user: Pick<User, 'username' | 'credential'>,
    timeoutMs = this.#options.operationTokenTimeoutMs,
    endsAtMs = Infinity,
  ): Promise<{ readonly operation_token: string; readonly refresh_token: string }> {
    const { store, refreshTokenTimeoutMs } = this.#options;
    const { username } = user;
    if (findUser(store, username) === undefined)
      throw new CodedError(
        'invalid_request',
        `'${username}' is no stored user, tell 'username' and 'password'`,
      );
    const stored = findProved(store, user);
    if (stored === undefined) throw new CodedError('unauthenticated', 'invalid credentials');
    const operationToken = await this.#sign(stored, 'operation', timeoutMs, endsAtMs);
    const refreshToken = await this.#sign(stored, 'refresh', refreshTokenTimeoutMs, endsAtMs);
    await store.write({
      table: systemTable(store, 'hdb_user'),
      operation: 'update',
      documents: [{ username, refresh_token: hashOf(stored, refreshToken) }],
      user: username,
    });
    return { operation_token: operationToken, refresh_token: refreshToken };
  }

  /** A new operation token for the last refresh token of a user. @throws CodedError as {@link holderOf} */
  async refresh(refreshToken: string): Promise<{ readonly operation_token: string }> {
    const { stored, endsAtMs } = await this.#verify(refreshToken, 'refresh');
    const { operationTokenTimeoutMs } = this.#options;
    return { operation_token: await this.#sign(stored, 'operation', operationTokenTimeoutMs, endsAtMs) };
  }

  /** Whose operation token this is. @throws CodedError `unauthenticated`, `token_expired` */
  async holderOf(operationToken: string): Promise<Holder> {
    const { stored, endsAtMs } = await this.#verify(operationToken, 'operation');
    return { user: stored.user, endsAtMs };
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

  async #sign(stored: StoredUser, kind: TokenKind, timeoutMs: number, endsAtMs: number): Promise<string> {
    // Loaded by who uses tokens; nodes that do not are spared its memory.
    const { SignJWT } = await import('jose');
    const { privateKey } = await this.#options.keys.provide();
    const { username, isSuperUser } = stored.user;
    const issuedAt = Math.floor(this.#options.now() / 1_000);
    const expiresAt = issuedAt + Math.max(1, Math.round(timeoutMs / 1_000));
    return new SignJWT({ username, super_user: isSuperUser, credential: stored.user.credential })
      .setProtectedHeader({ alg: algorithm })
      .setSubject(kind)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(Math.min(expiresAt, Math.floor(endsAtMs / 1_000)))
      .sign(privateKey);
  }

  async #verify(
    token: string,
    kind: TokenKind,
  ): Promise<{ readonly stored: StoredUser; readonly endsAtMs: number }> {
    const { errors, jwtVerify } = await import('jose');
    const { keys, now, store } = this.#options;
    if (keys.known === undefined) throw new CodedError('unauthenticated', 'invalid token');
    const options = {
      algorithms: [algorithm],
      subject: kind,
      requiredClaims: ['exp', 'iat'],
      currentDate: new Date(now()),
    };
    const verified = await jwtVerify(token, keys.known.publicKey, options).catch((cause: unknown) => {
      if (cause instanceof errors.JWTExpired)
        throw new CodedError('token_expired', 'token expired', { cause });
      throw new CodedError('unauthenticated', 'invalid token', { cause });
    });
    const { username, credential, exp = 0 } = verified.payload;
    const stored = typeof username === 'string' ? findUser(store, username) : undefined;
    const isCurrent =
      stored !== undefined &&
      credential === stored.user.credential &&
      (kind === 'operation' || isSame(stored.refreshTokenHash ?? '', hashOf(stored, token)));
    if (!isCurrent) throw new CodedError('unauthenticated', 'invalid token');
    if (!stored.user.active)
      throw new CodedError('unauthenticated', 'Cannot complete request: User is inactive');
    return { stored, endsAtMs: exp * 1_000 };
  }
}

function hashOf({ passwordHash }: StoredUser, token: string): string {
  return createHmac('sha256', passwordHash).update(token).digest('base64');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
