export const quote = 0x22;
const backslash = 0x5c;

/** Where the string of a JSON text ends that begins here. */
export function endOfString(json: Buffer, start: number): number {
  for (let at = start + 1; ;) {
    const end = json.indexOf(quote, at);
    if (end < 0) return json.length;
    let backslashes = 0;
    while (json[end - 1 - backslashes] === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end;
    at = end + 1;
  }
}
