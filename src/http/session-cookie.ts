import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Browser } from '../operation/operation.ts';
import type { Session } from '../operation/user/sessions.ts';

/**
 * The browser that may have a session here, with the secret of its cookie.
 *
 * Undefined for pages of other origins, whatever cookies they send: no other page can use a session, begin one or end
 * it. `SameSite` alone would not do, since for it all ports of a host are one site.
 */
export function browserOf(request: IncomingMessage): Browser | undefined {
  return isOwnPage(request) ? { secret: secretOf(request) } : undefined;
}

/** The `Set-Cookie` that leaves the browser with this session, or with none. */
export function sessionCookie(request: IncomingMessage, session: Session | undefined): string {
  const maxAge = session === undefined ? 0 : Math.floor(session.timeoutMs / 1_000);
  const isSecure = isEncrypted(request) || request.headers.origin?.startsWith('https://') === true;
  const cookie = `${cookieName(request)}=${session?.secret ?? ''}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict`;
  return isSecure ? `${cookie}; Secure` : cookie;
}

/** Browsers tell who sends: always with what changes something, and where it can be trusted with everything. */
function isOwnPage(request: IncomingMessage): boolean {
  const { origin, host = '', 'sec-fetch-site': site } = request.headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined || origin === `https://${host}`) return true;
  return origin === `http://${host}` && !isEncrypted(request);
}

function secretOf(request: IncomingMessage): string | undefined {
  const { cookie: sent } = request.headers;
  if (sent === undefined) return undefined;
  const start = `${cookieName(request)}=`;
  const cookies = sent.split(/;\s*/);
  return cookies.find((cookie) => cookie.startsWith(start))?.slice(start.length);
}

/** A browser gives the cookies of a host to all of its ports, and several nodes may share a host. */
function cookieName({ headers: { host = '' } }: IncomingMessage): string {
  return `${host.replaceAll(/\W/g, '_')}-hdb-session`;
}

function isEncrypted({ socket }: IncomingMessage): boolean {
  return socket instanceof TLSSocket;
}
