import { CodedError } from '../model/errors.ts';
import { isDocument } from './field.ts';
import type { OperationContext } from './operation.ts';
import { findOperation } from './registry.ts';
import { stranger } from './user/user.ts';

/**
 * Runs the operation that the body names and returns what is to be answered. It sees all that this node has
 * committed when it begins, by either process.
 *
 * @throws CodedError `invalid_request` when the body is not an object or names no operation we have;
 *   `unauthenticated` when it is not for strangers
 */
export async function runOperation(context: OperationContext, body: unknown): Promise<unknown> {
  if (context.user === stranger && !isForStrangers(body)) throw loginRequired(context);
  if (!isDocument(body)) throw new CodedError('invalid_request', 'Invalid JSON.');
  const name = body['operation'];
  if (name === undefined || name === null || name === '') {
    throw new CodedError('invalid_request', "Request body must include an 'operation' property.");
  }
  const operation = typeof name === 'string' ? findOperation(name) : undefined;
  if (operation === undefined) {
    const told = typeof name === 'string' ? name : JSON.stringify(name);
    throw new CodedError('invalid_request', `Operation '${told}' not found`);
  }
  context.store.refresh();
  const answer = await operation.execute(context, body);
  return typeof answer === 'string' ? { message: answer } : answer;
}

/** What a stranger is told who asks for what only users may. */
export function loginRequired({ refreshToken }: Pick<OperationContext, 'refreshToken'>): CodedError {
  return new CodedError('unauthenticated', refreshToken === undefined ? 'Must login' : 'invalid token');
}

function isForStrangers(body: unknown): boolean {
  const name = isDocument(body) ? body['operation'] : undefined;
  return typeof name === 'string' && findOperation(name)?.permission === 'stranger';
}
