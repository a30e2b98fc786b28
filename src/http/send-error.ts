import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RareLines } from '../runtime/rare-lines.ts';
import { errorFormatOf } from './answer-format.ts';
import { drain } from './drain.ts';
import { errorResponse } from './error-response.ts';
import { sendAnswer, type SendAnswerOptions } from './send-answer.ts';

export interface SendErrorOptions extends SendAnswerOptions {
  /** Of 401 and 403, by address. */
  readonly refusals: RareLines;
}

/** Answers a request with an error, unless an answer has begun. */
export async function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  options: SendErrorOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await drain(request);
  const { status, body, headers: ofError } = errorResponse(error, options.log);
  if (status === 401 || status === 403)
    options.refusals.write(request.socket.remoteAddress ?? '', { status });
  if (response.destroyed || response.headersSent) return;
  const answer = {
    status,
    body,
    format: errorFormatOf(request),
    headers: {
      ...headers,
      ...ofError,
      ...(status === 401 && !isScript(request) ? { 'www-authenticate': 'Basic' } : {}),
      // What is left of a body that was not read must not be taken for the next request.
      ...(request.complete ? {} : { connection: 'close' }),
    },
  };
  await sendAnswer(request, response, answer, options);
}

/** A page asks for name and password itself; a challenge would make the browser ask in its place. */
function isScript({ headers }: IncomingMessage): boolean {
  return headers['sec-fetch-site'] !== undefined && headers['sec-fetch-mode'] !== 'navigate';
}
