/**
 * How deep arrays and objects of a body may lie within each other: a little deeper than a value of a record may be.
 * Whatever reads a body may then call itself for each level.
 */
export const maxBodyNesting = 256;

const quote = 0x22;
const backslash = 0x5c;

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

/** Where the string that begins here ends. */
function endOfString(json: Buffer, start: number): number {
  for (let at = start + 1; ;) {
    const end = json.indexOf(quote, at);
    if (end < 0) return json.length;
    let backslashes = 0;
    while (json[end - 1 - backslashes] === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end;
    at = end + 1;
  }
}
