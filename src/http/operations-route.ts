import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { OperationServices } from '../operation/operation.ts';
import { loginRequired, runOperation } from '../operation/run-operation.ts';
import { stranger } from '../operation/user/user.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Caller } from './authenticate.ts';
import { drain } from './drain.ts';
import { errorResponse } from './error-response.ts';
import { parseJson } from './parse-json.ts';
import { readBody } from './read-body.ts';
import { sendJson } from './send-json.ts';

export interface OperationsRouteOptions {
  readonly services: OperationServices;
  readonly identify: (request: IncomingMessage) => Promise<Caller>;
  readonly bodyLimitBytes: number;
  readonly log: Logger;
}

/**
 * `POST /`: one operation. Who asks is known before a byte of the body is kept; of strangers it is kept only as
 * far as a login needs, so they cannot fill memory.
 */
export function operationsRoute(options: OperationsRouteOptions): RequestHandler {
  const { services, identify, bodyLimitBytes, log } = options;
  return async (request: Request, response: Response) => {
    const startedAt = performance.now();
    const timing = (): { 'server-timing': string } => ({
      'server-timing': `db;dur=${(performance.now() - startedAt).toFixed(2)}`,
    });
    try {
      const caller = await identify(request);
      const body = await readRequest(request, caller, bodyLimitBytes);
      const answer = await runOperation({ ...services, ...caller }, body);
      sendJson(response, 200, answer, timing());
    } catch (error) {
      await drain(request);
      if (response.destroyed || response.headersSent) return;
      const { status, body } = errorResponse(error, log);
      if (status === 401 || status === 403)
        log.info({ address: request.socket.remoteAddress, status }, 'request refused');
      sendJson(response, status, body, {
        ...timing(),
        ...(status === 401 ? { 'www-authenticate': 'Basic' } : {}),
        // What is left of a body that was not read must not be taken for the next request.
        ...(request.complete ? {} : { connection: 'close' }),
      });
    }
  };
}

/** What a login or a refresh token takes. */
const strangerLimitBytes = 16 * 1024;

/** The body, parsed. A stranger is asked to log in whatever is wrong with it. */
async function readRequest(request: Request, caller: Caller, limitBytes: number): Promise<unknown> {
  if (caller.user !== stranger) return parseJson(await readBody(request, limitBytes));
  try {
    return parseJson(await readBody(request, Math.min(limitBytes, strangerLimitBytes)));
  } catch {
    throw loginRequired(caller);
  }
}
