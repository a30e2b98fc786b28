import { CodedError } from './errors.ts';

/** Half of a pair, which UTF-8 cannot carry: something else would be stored. */
const loneSurrogate = /\p{Surrogate}/u;

/**
 * Refuses what could not be kept as it was sent, and names through which a careless merge would change every object
 * of the process.
 *
 * @throws CodedError `invalid_request`
 */
export function refuseUnkeepable(root: unknown): void {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string') refuseHalves(value);
    else if (typeof value === 'number' && !Number.isFinite(value))
      throw new CodedError('invalid_request', 'The request holds a number that is too large');
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) throw forbiddenName();
    for (const [name, child] of Object.entries(value)) {
      if (name === 'constructor' && hasPrototype(child)) throw forbiddenName();
      refuseHalves(name);
      waiting.push(child);
    }
  }
}

/** A name that a decoder or a merge takes for something else. */
export function forbiddenName(): CodedError {
  return new CodedError('invalid_request', 'Object contains forbidden prototype property');
}

function refuseHalves(text: string): void {
  if (loneSurrogate.test(text))
    throw new CodedError('invalid_request', 'The request holds text with one half of a surrogate pair');
}

function hasPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
