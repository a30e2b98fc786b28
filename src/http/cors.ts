import type { IncomingMessage, ServerResponse } from 'node:http';
import { addVary } from './negotiation.ts';

/** Which pages of other origins a browser lets use the API. */
export interface CorsPolicy {
  readonly enabled: boolean;
  /** Origins, or `*` for any. */
  readonly accessList: readonly string[];
}

/**
 * Tells browsers which pages may use the API. Origins of the list are told by name and may send what the browser keeps
 * for this node, but no session counts for them (`session-cookie.ts`); with `*` any page may ask, with an
 * `Authorization` of its own. Other origins are told nothing.
 */
export function cors({
  enabled,
  accessList,
}: CorsPolicy): (request: IncomingMessage, response: ServerResponse, next: () => void) => void {
  const isAny = accessList.includes('*');
  const listed = new Set(accessList);
  return (request, response, next) => {
    const { origin } = request.headers;
    if (enabled && origin !== undefined) {
      addVary(response, 'Origin');
      if (listed.has(origin)) {
        response.setHeader('access-control-allow-origin', origin);
        response.setHeader('access-control-allow-credentials', 'true');
      } else if (isAny) response.setHeader('access-control-allow-origin', '*');
    }
    if (request.method !== 'OPTIONS') {
      next();
      return;
    }
    if (response.hasHeader('access-control-allow-origin')) {
      response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS');
      response.setHeader(
        'access-control-allow-headers',
        'Accept, Authorization, Content-Type, Last-Event-ID',
      );
      response.setHeader('access-control-max-age', '600');
    }
    response.writeHead(204).end();
  };
}
