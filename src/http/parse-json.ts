import { CodedError } from '../model/errors.ts';

/** Matches the names in any spelling that JSON has for them. */
const suspicious =
  /"(?:_|\\u005[fF]){2}(?:p|\\u0070)|"(?:c|\\u0063)(?:o|\\u006[fF])(?:n|\\u006[eE])(?:s|\\u0073)/;

/**
 * Parses a body and refuses names through which a careless merge would change every object of the process.
 *
 * @throws CodedError `invalid_request`
 */
export function parseJson(body: Buffer): unknown {
  let value: unknown;
  let text: string;
  try {
    text = body.toString('utf8');
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
      if (
        name === 'constructor' &&
        typeof child === 'object' &&
        child !== null &&
        Object.hasOwn(child, 'prototype')
      ) {
        return true;
      }
      waiting.push(child);
    }
  }
  return false;
}
