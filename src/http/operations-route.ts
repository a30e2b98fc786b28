import type { Request, RequestHandler, Response } from 'express';
import type { OperationServices } from '../operation/operation.ts';
import { runOperation } from '../operation/run-operation.ts';
import type { User } from '../operation/user/user.ts';
import type { Logger } from '../runtime/logger.ts';
import { drain } from './drain.ts';
import { errorResponse } from './error-response.ts';
import { errorFormatOf } from './answer-format.ts';
import { parseBody } from './parse-body.ts';
import { readBody } from './read-body.ts';
import { sendAnswer } from './send-answer.ts';

export interface OperationsRouteOptions {
  readonly services: OperationServices;
  readonly authenticate: (header: string | undefined) => Promise<User>;
  readonly bodyLimitBytes: number;
  /** Shorter answers are not compressed. */
  readonly compressionThresholdBytes: number;
  readonly log: Logger;
}

/**
 * `POST /`: one operation. Who asks is known before a byte of the body is kept, so strangers cannot fill memory.
 */
export function operationsRoute(options: OperationsRouteOptions): RequestHandler {
  const { services, authenticate, bodyLimitBytes, log } = options;
  return async (request: Request, response: Response) => {
    const startedAt = performance.now();
    const timing = (): { 'server-timing': string } => ({
      'server-timing': `db;dur=${(performance.now() - startedAt).toFixed(2)}`,
    });
    try {
      const user = await authenticate(request.headers.authorization);
      const sent = parseBody(request.headers['content-type'], await readBody(request, bodyLimitBytes));
      const body = await runOperation({ ...services, user }, sent);
      await sendAnswer(request, response, { status: 200, body, headers: timing() }, options);
    } catch (error) {
      await drain(request);
      if (response.destroyed || response.headersSent) return;
      const { status, body } = errorResponse(error, log);
      const headers = {
        ...timing(),
        ...(status === 401 ? { 'www-authenticate': 'Basic' } : {}),
        // What is left of a body that was not read must not be taken for the next request.
        ...(request.complete ? {} : { connection: 'close' }),
      };
      await sendAnswer(request, response, { status, body, headers, format: errorFormatOf(request) }, options);
    }
  };
}
