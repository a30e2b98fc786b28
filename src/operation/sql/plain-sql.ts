import { CodedError } from '../../model/errors.ts';
import { refuseUnlessExact } from '../../model/wide-integers.ts';

/** What the parser reads otherwise than MySQL; a quote without its end takes the rest, which the parser refuses. */
const token = new RegExp(
  [
    /'[^'\\]*(?:\\[\s\S][^'\\]*)*'/,
    /"[^"\\]*(?:\\[\s\S][^"\\]*)*"/,
    /`[^`]*`/,
    /['"`][\s\S]*/,
    /\/\*[\s\S]*?\*\//,
    /(?:#|--)[^\r\n]*/,
    /(?<![\w.])-\d{16,}(?![\w.])/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/**
 * A statement without its comments, which the parser reads as it should.
 *
 * @throws CodedError `invalid_request` for what says one thing to the parser and another elsewhere
 */
export function plainSql(sql: string): string {
  return sql.replaceAll(token, (found) => {
    switch (found.charAt(0)) {
      case "'":
      case '"':
        return withPlainLetters(found);
      case '`':
        // The parser would read it as an escape.
        if (found.includes('\\')) refuse('A name in backticks cannot hold a backslash');
        return found;
      case '/':
        if (/^\/\*M?!/.test(found)) refuse('Comments that MySQL runs (/*! */) are not read');
        return ' ';
      case '-':
        if (/^-\d/.test(found)) {
          // The parser drops the digits of a negative one.
          refuseUnlessExact(found);
          return found;
        }
        if (/^--\S/.test(found)) refuse("'--' begins a comment only where a space follows it");
        return ' ';
      default:
        return ' ';
    }
  });
}

/** In MySQL `\f` and `\u0041` are the letters f and u; the parser would read them as JSON does. */
function withPlainLetters(text: string): string {
  return text.replaceAll(/\\([\s\S])/g, (pair: string, next: string) => (/[fu]/.test(next) ? next : pair));
}

function refuse(message: string): never {
  throw new CodedError('invalid_request', message);
}
