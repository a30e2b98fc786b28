import type { Request, RequestHandler, Response } from 'express';
import { isDocument } from '../operation/field.ts';
import type { OperationServices } from '../operation/operation.ts';
import { runOperation } from '../operation/run-operation.ts';
import type { User } from '../operation/user/user.ts';
import { parseBody } from './parse-body.ts';
import { readBody } from './read-body.ts';
import { sendAnswer } from './send-answer.ts';
import { sendError, type SendErrorOptions } from './send-error.ts';

export interface OperationsRouteOptions extends SendErrorOptions {
  readonly services: OperationServices;
  readonly authenticate: (header: string | undefined) => Promise<User>;
  readonly bodyLimitBytes: number;
}

/**
 * `POST /`: one operation. Who asks is known before a byte of the body is kept, so strangers cannot fill memory.
 */
export function operationsRoute(options: OperationsRouteOptions): RequestHandler {
  const { services, authenticate, bodyLimitBytes } = options;
  return async (request: Request, response: Response) => {
    const startedAt = performance.now();
    const timing = (): { 'server-timing': string } => ({
      'server-timing': `db;dur=${(performance.now() - startedAt).toFixed(2)}`,
    });
    try {
      const user = await authenticate(request.headers.authorization);
      const sent = parseBody(request.headers['content-type'], await readBody(request, bodyLimitBytes));
      const body = await runOperation({ ...services, user }, sent);
      const headers = { ...timing(), ...(isRestart(sent) ? { connection: 'close' } : {}) };
      await sendAnswer(request, response, { status: 200, body, headers }, options);
    } catch (error) {
      await sendError(request, response, error, options, timing());
    }
  };
}

/** The server is about to go: the client must not send its next request on this connection. */
function isRestart(body: unknown): boolean {
  return isDocument(body) && String(body['operation']).startsWith('restart');
}
