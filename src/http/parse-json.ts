import { isUtf8 } from 'node:buffer';
import { CodedError } from '../model/errors.ts';
import { refuseForbiddenNames } from './forbidden-names.ts';

/** The names, or an escape that could spell one of them. */
const suspicious = /__proto__|constructor|\\u00/;

/** @throws CodedError `invalid_request` */
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
  if (suspicious.test(text)) refuseForbiddenNames(value);
  return value;
}
