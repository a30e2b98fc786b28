import type { IncomingMessage } from 'node:http';
import { CodedError } from '../model/errors.ts';
import type { Authentication } from '../operation/operation.ts';
import { loginRequired } from '../operation/run-operation.ts';
import { localUser, stranger, type User } from '../operation/user/user.ts';

/** Who sent a request, and from where. */
export interface Caller {
  /** `stranger` when the request does not say. */
  readonly user: User;
  readonly address: string;
  /** Sent in place of an operation token; not verified. */
  readonly refreshToken?: string;
}

/** Finds out who asks: by the `Authorization` header, or by where the request comes from if that is configured. */
export class Authenticator {
  readonly #authentication: Authentication;
  readonly #authorizeLocal: boolean;

  constructor(options: { readonly authentication: Authentication; readonly authorizeLocal: boolean }) {
    this.#authentication = options.authentication;
    this.#authorizeLocal = options.authorizeLocal;
  }

  /** As {@link identify}, for what strangers may not do. @throws CodedError `unauthenticated` */
  async authenticate(request: IncomingMessage): Promise<User> {
    const caller = await this.identify(request);
    if (caller.user === stranger) throw loginRequired(caller);
    return caller.user;
  }

  /** @throws CodedError `unauthenticated`, `token_expired`, `too_many_logins`, `unavailable` */
  async identify(request: IncomingMessage): Promise<Caller> {
    const header = request.headers.authorization?.trim() ?? '';
    const address = request.socket.remoteAddress ?? '';
    if (header === '') {
      return { user: this.#authorizeLocal && isLocal(request, address) ? localUser : stranger, address };
    }
    const [scheme = '', value = ''] = header.split(/\s+/, 2);
    switch (scheme.toLowerCase()) {
      case 'bearer':
        return this.#byToken(value, address);
      case 'basic':
        return { user: await this.#byPassword(value, address), address };
      default:
        throw new CodedError('unauthenticated', 'Login failed');
    }
  }

  async #byToken(token: string, address: string): Promise<Caller> {
    const { tokens } = this.#authentication;
    if ((await tokens.claimedKind(token)) === 'refresh')
      return { user: stranger, address, refreshToken: token };
    return { user: await tokens.userOf(token), address };
  }

  async #byPassword(value: string, address: string): Promise<User> {
    const credentials = parseBasic(value);
    const user = credentials && (await this.#authentication.logins.login({ ...credentials, address }));
    if (user === undefined) throw new CodedError('unauthenticated', 'Login failed');
    return user;
  }
}

/**
 * From this machine and sent by no browser page or proxy, which would lend it this address: those say so in a
 * header.
 */
function isLocal({ headers }: IncomingMessage, address: string): boolean {
  const isLoopback = /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address) || address === '::1';
  const borrowing = ['origin', 'sec-fetch-site', 'forwarded', 'x-forwarded-for', 'via'];
  return isLoopback && borrowing.every((name) => headers[name] === undefined);
}

function parseBasic(value: string): { readonly username: string; readonly password: string } | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
