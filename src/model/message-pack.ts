/** Never used in MessagePack; stands for what is beyond the end, too. */
export const noToken = 0xc1;

/** Deeper than a value of a record or a message lies: whatever reads one may call itself for each level. */
const maxDepth = 256;

/** A message may hold bytes and 64-bit integers; a document holds nothing that JSON has no counterpart of. */
export type Contents = 'message' | 'document';

/**
 * Whether the bytes are one whole value and nothing else, known before a decoder sees them: one makes room for as many
 * elements as a head announces, so a few bytes could ask for all memory. Here no more are believed than have come.
 */
export function isWholeValue(bytes: Uint8Array, contents: Contents): boolean {
  return endOfValue(bytes, 0, maxDepth, contents) === bytes.length;
}

/**
 * Where the value that begins here ends; beyond all bytes where it is of a kind that it may not be.
 *
 * @param depth how many arrays and maps may stand within each other
 */
export function endOfValue(bytes: Uint8Array, position: number, depth: number, contents: Contents): number {
  const token = bytes[position] ?? noToken;
  if (token < 0x80 || token >= 0xe0) return position + 1;
  if (token < 0x90) return endOfValues(bytes, position + 1, token - 0x80, true, depth, contents);
  if (token < 0xa0) return endOfValues(bytes, position + 1, token - 0x90, false, depth, contents);
  if (token < 0xc0) return position + 1 + token - 0xa0;
  switch (token) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return position + 1;
    case 0xcc:
    case 0xd0:
      return position + 2;
    case 0xcd:
    case 0xd1:
      return position + 3;
    case 0xca:
    case 0xce:
    case 0xd2:
      return position + 5;
    case 0xcb:
      return position + 9;
    case 0xcf:
    case 0xd3:
      return contents === 'message' ? position + 9 : Infinity;
    case 0xd9:
      return position + 2 + unsignedAt(bytes, position + 1, 1);
    case 0xda:
      return position + 3 + unsignedAt(bytes, position + 1, 2);
    case 0xdb:
      return position + 5 + unsignedAt(bytes, position + 1, 4);
    case 0xc4:
      return contents === 'message' ? position + 2 + unsignedAt(bytes, position + 1, 1) : Infinity;
    case 0xc5:
      return contents === 'message' ? position + 3 + unsignedAt(bytes, position + 1, 2) : Infinity;
    case 0xc6:
      return contents === 'message' ? position + 5 + unsignedAt(bytes, position + 1, 4) : Infinity;
    case 0xd4:
      return isUndefined(bytes, position) ? position + 3 : Infinity;
    case 0xdc:
      return endOfValues(bytes, position + 3, unsignedAt(bytes, position + 1, 2), false, depth, contents);
    case 0xdd:
      return endOfValues(bytes, position + 5, unsignedAt(bytes, position + 1, 4), false, depth, contents);
    case 0xde:
      return endOfValues(bytes, position + 3, unsignedAt(bytes, position + 1, 2), true, depth, contents);
    case 0xdf:
      return endOfValues(bytes, position + 5, unsignedAt(bytes, position + 1, 4), true, depth, contents);
    default:
      return Infinity;
  }
}

/** Where so many elements of an array end, or entries of a map. */
function endOfValues(
  bytes: Uint8Array,
  begin: number,
  count: number,
  isMap: boolean,
  depth: number,
  contents: Contents,
): number {
  if (depth === 0) return Infinity;
  let position = begin;
  for (let left = count; left > 0; left -= 1) {
    if (isMap && !isText(bytes[position] ?? noToken)) return Infinity;
    if (isMap) position = endOfValue(bytes, position, depth, contents);
    position = endOfValue(bytes, position, depth - 1, contents);
    if (position > bytes.length) return Infinity;
  }
  return position;
}

/** The one extension that is written here: `undefined`, which is left out. */
function isUndefined(bytes: Uint8Array, position: number): boolean {
  return bytes[position + 1] === 0 && bytes[position + 2] === 0;
}

function isText(token: number): boolean {
  return (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb);
}

/** An unsigned integer of so many bytes, the most significant first; Infinity beyond the end. */
export function unsignedAt(bytes: Uint8Array, position: number, length: number): number {
  let value = 0;
  for (let index = 0; index < length; index += 1) value = value * 256 + (bytes[position + index] ?? Infinity);
  return value;
}
