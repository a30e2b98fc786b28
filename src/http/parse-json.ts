import { isUtf8 } from 'node:buffer';
import { CodedError } from '../model/errors.ts';

/** The names, or an escape that could spell one of them. */
const suspicious = /__proto__|constructor|\\u00/;

/**
 * Parses a body and refuses names through which a careless merge would change every object of the process.
 *
 * @throws CodedError `invalid_request`
 */
export function parseJson(body: Buffer): unknown {
  // Decoding would replace bad bytes, and something else than what was sent would be stored.
  if (!isUtf8(body)) throw new CodedError('invalid_request', 'Invalid JSON.');
  const text = body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (cause) {
    throw new CodedError('invalid_request', 'Invalid JSON.', { cause });
  }
  // Walking is for the few bodies that have such text at all.
  if (suspicious.test(text) && isPoisoned(value)) {
    throw new CodedError('invalid_request', 'Object contains forbidden prototype property');
  }
  return value;
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
