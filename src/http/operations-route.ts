import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDocument } from '../operation/field.ts';
import { FileAnswer } from '../operation/file-answer.ts';
import type { OperationContext, OperationServices } from '../operation/operation.ts';
import { MemoryBudget, type MemoryShare } from '../runtime/memory-budget.ts';
import { loginRequired, runOperation } from '../operation/run-operation.ts';
import { SessionAnswer } from '../operation/user/session-answer.ts';
import { stranger } from '../operation/user/user.ts';
import type { Caller } from './authenticate.ts';
import { refuseForeignForm } from './foreign-form.ts';
import { parseBody } from './parse-body.ts';
import { readBody } from './read-body.ts';
import { sendAnswer } from './send-answer.ts';
import { sendFile } from './send-file.ts';
import { sessionCookie } from './session-cookie.ts';
import { sendError, type SendErrorOptions } from './send-error.ts';

export interface OperationsRouteOptions extends SendErrorOptions {
  readonly services: OperationServices;
  readonly identify: (request: IncomingMessage) => Promise<Caller>;
  readonly bodyLimitBytes: number;
  /** Pages of these may send in the name of whom the browser knows. */
  readonly listedOrigins: ReadonlySet<string>;
}

/**
 * `POST /`: one operation. Who asks is known before a byte of the body is kept; of strangers it is kept only as
 * far as a login needs, so they cannot fill memory.
 */
export function operationsRoute(
  options: OperationsRouteOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { services, identify, bodyLimitBytes, listedOrigins } = options;
  const bodies = new MemoryBudget(largeBodies);
  const run = async (
    request: IncomingMessage,
    caller: Caller,
  ): Promise<{ readonly body: unknown; readonly isLast: boolean }> => {
    using held = bodies.share();
    const sent = await readRequest(request, caller, bodyLimitBytes, held);
    return { body: await runOperation(contextOf(services, caller), sent), isLast: isRestart(sent) };
  };
  return async (request, response) => {
    const startedAt = performance.now();
    const timing = (): string => `db;dur=${(performance.now() - startedAt).toFixed(2)}`;
    try {
      refuseForeignForm(request, listedOrigins);
      const caller = await identify(request);
      const { body, isLast } = await run(request, caller);
      const headers: Record<string, string> = { 'server-timing': timing() };
      if (isLast) headers['connection'] = 'close';
      if (body instanceof FileAnswer) await sendFile(response, body, headers);
      else if (body instanceof SessionAnswer) {
        const answer = {
          status: 200,
          body: { message: body.message },
          headers: { ...headers, 'set-cookie': sessionCookie(request, body.session) },
        };
        await sendAnswer(request, response, answer, options);
      } else await sendAnswer(request, response, { status: 200, body, headers }, options);
    } catch (error) {
      await sendError(request, response, error, options, { 'server-timing': timing() });
    }
  };
}

/** Names every field: one object in this form for each request costs a fraction of spreading both. */
function contextOf(services: OperationServices, caller: Caller): OperationContext {
  return {
    store: services.store,
    replication: services.replication,
    authentication: services.authentication,
    version: services.version,
    node: services.node,
    now: services.now,
    jobs: services.jobs,
    bulk: services.bulk,
    user: caller.user,
    endsAtMs: caller.endsAtMs,
    address: caller.address,
    refreshToken: caller.refreshToken,
    browser: caller.browser,
  };
}

/** What all bodies that are not answered yet may hold, and what each may whatever the others do. */
const largeBodies = { maxBytes: 256 * 1024 * 1024, freeBytes: 256 * 1024 };

/** What a login or a refresh token takes. */
const strangerLimitBytes = 16 * 1024;

/** The body, parsed. A stranger is asked to log in whatever is wrong with it. */
async function readRequest(
  request: IncomingMessage,
  caller: Caller,
  limitBytes: number,
  held: MemoryShare,
): Promise<unknown> {
  const type = request.headers['content-type'];
  if (caller.user !== stranger) return parseBody(type, await readBody(request, limitBytes, held));
  try {
    return parseBody(type, await readBody(request, Math.min(limitBytes, strangerLimitBytes), held));
  } catch {
    throw loginRequired(caller);
  }
}

/** The server is about to go: the client must not send its next request on this connection. */
function isRestart(body: unknown): boolean {
  return isDocument(body) && String(body['operation']).startsWith('restart');
}
