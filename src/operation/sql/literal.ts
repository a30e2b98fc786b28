import * as z from 'zod';
import { refuseUnlessExact } from '../../model/wide-integers.ts';

/** Around what stands by itself they change nothing. */
export const parentheses = z.boolean().optional();

/** The parser gives decimals and long numbers as their text. A number is the double that JSON makes of its digits. */
const number = z
  .strictObject({
    type: z.enum(['number', 'bigint']),
    value: z.union([z.number(), z.string()]),
    parentheses,
  })
  .transform(({ value }) => {
    if (typeof value === 'string' && /^-?\d+$/.test(value)) refuseUnlessExact(value);
    return Number(value);
  })
  .pipe(z.number());

/** A text in quotes, without a collation or an ESCAPE of its own. BINARY minds the case, as all comparisons do here. */
export const textLiteral = z
  .strictObject({
    type: z.enum(['single_quote_string', 'double_quote_string']),
    value: z.string(),
    prefix: z.literal('binary').optional(),
    parentheses,
  })
  .transform(({ type, value }) => unquoted(value, type === 'single_quote_string' ? "''" : '""'));

/** What has an order. */
export const orderedLiteral = z.union([number, textLiteral]);

/** What a condition can be equal to. */
export const scalarLiteral = z.union([
  orderedLiteral,
  z
    .strictObject({ type: z.literal('bool'), value: z.boolean(), parentheses })
    .transform(({ value }) => value),
]);

/** What can be stored. */
export const literal = z.union([
  scalarLiteral,
  z.strictObject({ type: z.literal('null'), value: z.null(), parentheses }).transform(({ value }) => value),
]);

const controls: Readonly<Record<string, string>> = { 0: '\0', Z: '\u001a' };

/**
 * What a text between quotes says: doubled quotes are one, and `\` before a character is that character, but for
 * `\%` and `\_`, which are for patterns. The parser has replaced `\b`, `\n`, `\r` and `\t`.
 */
function unquoted(text: string, doubledQuote: string): string {
  return text.replaceAll(/\\([\s\S])|''|""/g, (found: string, escaped: string | undefined) => {
    if (escaped === undefined) return found === doubledQuote ? found.charAt(0) : found;
    return /[%_]/.test(escaped) ? found : (controls[escaped] ?? escaped);
  });
}
