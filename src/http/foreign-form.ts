import type { IncomingMessage } from 'node:http';
import { CodedError } from '../model/errors.ts';
import { browserOf } from './session-cookie.ts';

/** What a page may send anywhere without asking first: the types of forms, and none. */
const formTypes: ReadonlySet<string> = new Set([
  '',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

/**
 * Refuses what a page of another origin can send without being asked whether it may. A browser adds the name and
 * password that it was given for this node to that as well, and the page would act in their name.
 *
 * @param listed the origins that may
 * @throws CodedError `forbidden`
 */
export function refuseForeignForm(request: IncomingMessage, listed: ReadonlySet<string>): void {
  const { origin = '', authorization = '', 'content-type': type = '' } = request.headers;
  if (!/^basic\b/i.test(authorization.trimStart()) || browserOf(request) || listed.has(origin)) return;
  if (!formTypes.has(type.split(';', 1)[0]?.trim().toLowerCase() ?? '')) return;
  throw new CodedError(
    'forbidden',
    `A page of another origin (${origin}) must send its request as 'Content-Type: application/json'`,
  );
}
