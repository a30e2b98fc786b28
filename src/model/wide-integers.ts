import { CodedError } from './errors.ts';
import { endOfString, quote } from './json-string.ts';

/** An integer that a double may change, or digits in a text: the first digit follows neither one nor the point of a fraction. */
const maybeWide = /(?<![\d."])\d{16}/;

/** Neither part of a fraction nor of an exponent, and followed by neither. */
const wideInteger = /-?(?<![\d.eE+]|[eE]-)\d{16,}(?![\d.eE])/g;

/**
 * Refuses integers that would become others, and one record another's: those that are not what a double of theirs is written as.
 *
 * @throws CodedError `invalid_request`
 */
export function refuseWideIntegers(json: Buffer, text: string): void {
  // Hardly any body gets further, and this is the path of every request.
  if (!maybeWide.test(text)) return;
  for (let at = 0; at < json.length;) {
    const start = json.indexOf(quote, at);
    const end = start < 0 ? json.length : start;
    for (const [token] of json.toString('latin1', at, end).matchAll(wideInteger)) refuseUnlessExact(token);
    at = start < 0 ? end : endOfString(json, start) + 1;
  }
}

/**
 * The same for the digits of one integer.
 *
 * @throws CodedError `invalid_request`
 */
export function refuseUnlessExact(token: string): void {
  const value = Number(token);
  if (String(value) === token) return;
  // An infinite one is refused elsewhere; what is shorter is quickly compared.
  if (!Number.isFinite(value) || BigInt(value) === BigInt(token)) return;
  throw new CodedError(
    'invalid_request',
    `The number ${token} would be kept as another one: send it as text, in quotes`,
  );
}
