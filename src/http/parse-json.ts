import { isUtf8 } from 'node:buffer';
import { CodedError } from '../model/errors.ts';
import { checkJsonShape } from './body-shape.ts';
import { refuseUnkeepable } from '../model/refuse-unkeepable.ts';
import { refuseWideIntegers } from '../model/wide-integers.ts';

/** Forbidden names, escapes that could spell one or half a character, numbers that could be infinite. */
const suspicious = /__proto__|constructor|\\u(?:00|[dD][89a-fA-F])|\d[eE]\+?\d{3}|(?<!\d)\d{200}/;

/** @throws CodedError `invalid_request`, `too_large` */
export function parseJson(body: Buffer): unknown {
  // Decoding would replace bad bytes, and something else than what was sent would be stored.
  if (!isUtf8(body)) throw new CodedError('invalid_request', 'Invalid JSON.');
  checkJsonShape(body);
  const text = body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (cause) {
    throw new CodedError('invalid_request', 'Invalid JSON.', { cause });
  }
  // Walking is for the few bodies that have such text at all.
  if (suspicious.test(text)) refuseUnkeepable(value);
  refuseWideIntegers(body, text);
  return value;
}
