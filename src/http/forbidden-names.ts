import { CodedError } from '../model/errors.ts';

/**
 * Refuses names through which a careless merge would change every object of the process.
 *
 * @throws CodedError `invalid_request`
 */
export function refuseForbiddenNames(value: unknown): void {
  if (isPoisoned(value))
    throw new CodedError('invalid_request', 'Object contains forbidden prototype property');
}

function isPoisoned(root: unknown): boolean {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const [name, child] of Object.entries(value)) {
      if (name === 'constructor' && hasPrototype(child)) return true;
      waiting.push(child);
    }
  }
  return false;
}

function hasPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
