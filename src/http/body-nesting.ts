import { endOfString, quote } from '../model/json-string.ts';

/**
 * How deep arrays and objects of a body may lie within each other: a little deeper than a value of a record may be.
 * Whatever reads a body may then call itself for each level.
 */
export const maxBodyNesting = 256;

/** Whether a JSON text is nested deeper than a body may be, known before it is parsed. */
export function isNestedTooDeep(json: Buffer): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    switch (json[at]) {
      case quote:
        at = endOfString(json, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > maxBodyNesting) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      default:
        break;
    }
  }
  return false;
}
