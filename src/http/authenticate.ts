import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { CodedError } from '../model/errors.ts';
import type { Authentication, Browser } from '../operation/operation.ts';
import { loginRequired } from '../operation/run-operation.ts';
import type { Login } from '../operation/user/logins.ts';
import { localUser, stranger, type Holder, type User } from '../operation/user/user.ts';
import { browserOf } from './session-cookie.ts';

/** Who sent a request, and from where. */
export interface Caller {
  /** `stranger` when the request does not say. */
  readonly user: User;
  readonly address: string;
  /** As in `OperationContext`. */
  readonly endsAtMs?: number | undefined;
  /** Sent in place of an operation token; not verified. */
  readonly refreshToken?: string | undefined;
  /** A page of this node, which may have a session. */
  readonly browser?: Browser | undefined;
}

type Proof = Pick<Caller, 'user' | 'endsAtMs' | 'refreshToken'>;

/**
 * Finds out who asks: by the `Authorization` header, else by the cookie of a session, else by where the request comes
 * from if that is configured.
 */
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
    const address = request.socket.remoteAddress ?? '';
    const browser = browserOf(request);
    const header = request.headers.authorization?.trim() ?? '';
    if (header === '') {
      const holder = this.#bySession(browser) ?? { user: this.#byPlace(request, address) };
      return { ...holder, address, browser };
    }
    return { ...(await this.#byHeader(header, address)), address, browser };
  }

  async #byHeader(header: string, address: string): Promise<Proof> {
    const [, scheme = '', value = ''] = /^(\S+)\s*(\S*)/.exec(header) ?? [];
    switch (scheme.toLowerCase()) {
      case 'bearer':
        return this.#byToken(value);
      case 'basic':
        return { user: await this.#byPassword(parseBasic(value, address)) };
      default:
        throw new CodedError('unauthenticated', 'Login failed');
    }
  }

  /** A session that is over is none: who has it may log in again. */
  #bySession(browser: Browser | undefined): Holder | undefined {
    const { sessions } = this.#authentication;
    return browser?.secret === undefined ? undefined : sessions?.holderOf(browser.secret);
  }

  #byPlace(request: IncomingMessage, address: string): User {
    return this.#authorizeLocal && isLocal(request, address) ? localUser : stranger;
  }

  async #byToken(token: string): Promise<Proof> {
    const { tokens } = this.#authentication;
    if ((await tokens.claimedKind(token)) === 'refresh') return { user: stranger, refreshToken: token };
    return tokens.holderOf(token);
  }

  async #byPassword(login: Login | undefined): Promise<User> {
    const user = login && (await this.#authentication.logins.login(login));
    if (user === undefined) throw new CodedError('unauthenticated', 'Login failed');
    return user;
  }
}

const localHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/**
 * From this machine, by a name of this machine, and sent by no browser page or proxy, which would lend it this address: those say so in a
 * header.
 */
function isLocal({ headers }: IncomingMessage, address: string): boolean {
  const isLoopback = /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address) || address === '::1';
  // A page whose name leads here now asks for that name.
  const host = headers.host ?? '';
  if (!localHost.test(host) && host.replace(/:\d+$/, '').toLowerCase() !== hostname().toLowerCase())
    return false;
  const borrowing = ['origin', 'sec-fetch-site', 'forwarded', 'x-forwarded-for', 'via'];
  return isLoopback && borrowing.every((name) => headers[name] === undefined);
}

function parseBasic(value: string, address: string): Login | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1), address };
}
