import { CodedError } from '../model/errors.ts';
import { endOfString, quote } from '../model/json-string.ts';

/**
 * How deep arrays and objects of a body may lie within each other: a little deeper than a value of a record may be.
 * Whatever reads a body may then call itself for each level.
 */
export const maxBodyNesting = 256;

/** Values of a body, names of attributes among them: each takes much more memory than it may take bytes, as `{},{},`. */
export const maxBodyValues = 8 * 1024 * 1024;

export function tooManyValues(): CodedError {
  return new CodedError(
    'too_large',
    `The request holds more than ${maxBodyValues} values: send it in several parts`,
  );
}

/**
 * Refuses a JSON text for its shape, before it is parsed.
 *
 * @throws CodedError `invalid_request` when it is nested too deep, `too_large` when it holds too many values
 */
export function checkJsonShape(json: Buffer): void {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < json.length; at += 1) {
    switch (json[at]) {
      case quote:
        at = endOfString(json, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        values += 1;
        if (depth > maxBodyNesting)
          throw new CodedError(
            'invalid_request',
            `The request is nested deeper than ${maxBodyNesting} levels`,
          );
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case 0x2c: // ,
      case 0x3a: // :
        values += 1;
        break;
      default:
        break;
    }
  }
  if (values > maxBodyValues) throw tooManyValues();
}
