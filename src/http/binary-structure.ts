import { isUtf8 } from 'node:buffer';
import { maxBodyNesting, maxBodyValues, tooManyValues } from './body-shape.ts';

/** One value, or the head of one, in a binary format. */
interface Token {
  /** Where the next token begins. */
  readonly end: number;
  /** Values that follow as part of this one; Infinity: until a break. */
  readonly children: number;
  readonly isBreak?: boolean;
}

/** Undefined for what JSON has no counterpart of: byte strings, extensions other than times, text that is no UTF-8, unused codes. */
type ReadToken = (bytes: Buffer, at: number) => Token | undefined;

/** Whether the bytes are one whole MessagePack value with a counterpart in JSON. @throws CodedError `too_large` */
export function isSoundMessagePack(bytes: Buffer): boolean {
  return isSound(bytes, messagePackToken);
}

/** Whether the bytes are one whole CBOR value with a counterpart in JSON. @throws CodedError `too_large` */
export function isSoundCbor(bytes: Buffer): boolean {
  return isSound(bytes, cborToken);
}

/**
 * Walks the structure before a decoder sees it: decoders make room for as many elements as a head announces, so a
 * few bytes could ask for all memory. Here no more values are believed than there are bytes left for them.
 */
function isSound(bytes: Buffer, readToken: ReadToken): boolean {
  const open = [1];
  let owed = 1;
  let at = 0;
  let values = 0;
  while (open.length > 0) {
    if (at >= bytes.length) return false;
    values += 1;
    if (values > maxBodyValues) throw tooManyValues();
    const token = readToken(bytes, at);
    if (token === undefined || token.end > bytes.length) return false;
    at = token.end;
    if (token.isBreak === true) {
      if (open.pop() !== Infinity) return false;
    } else {
      const left = (open.pop() ?? 0) - 1;
      if (left !== Infinity) owed -= 1;
      open.push(left);
      if (token.children > 0) open.push(token.children);
      if (token.children !== Infinity) owed += token.children;
    }
    while (open.at(-1) === 0) open.pop();
    if (owed > bytes.length - at || open.length > maxBodyNesting) return false;
  }
  return at === bytes.length;
}

const scalarBytes: Readonly<Record<number, number>> = {
  ...{ 0xc0: 0, 0xc2: 0, 0xc3: 0, 0xca: 4, 0xcb: 8 },
  ...{ 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8 },
};

function messagePackToken(bytes: Buffer, at: number): Token | undefined {
  const code = bytes[at] ?? 0;
  const size = scalarBytes[code];
  if (size !== undefined) return { end: at + 1 + size, children: 0 };
  if (code <= 0x7f || code >= 0xe0) return { end: at + 1, children: 0 };
  if (code <= 0x8f) return { end: at + 1, children: 2 * (code & 0x0f) };
  if (code <= 0x9f) return { end: at + 1, children: code & 0x0f };
  if (code <= 0xbf) return textToken(bytes, at + 1, code & 0x1f);
  const text = lengthAfter(bytes, at, { 0xd9: 1, 0xda: 2, 0xdb: 4 }[code]);
  if (text !== undefined) return textToken(bytes, text.end, text.length);
  const array = lengthAfter(bytes, at, { 0xdc: 2, 0xdd: 4 }[code]);
  if (array !== undefined) return { end: array.end, children: array.length };
  const map = lengthAfter(bytes, at, { 0xde: 2, 0xdf: 4 }[code]);
  if (map !== undefined) return { end: map.end, children: 2 * map.length };
  return timeToken(bytes, at, code);
}

/** The extension type of times is -1. */
function timeToken(bytes: Buffer, at: number, code: number): Token | undefined {
  if (code === 0xd6 && bytes[at + 1] === 0xff) return { end: at + 6, children: 0 };
  if (code === 0xd7 && bytes[at + 1] === 0xff) return { end: at + 10, children: 0 };
  const isLong = code === 0xc7 && bytes[at + 1] === 12 && bytes[at + 2] === 0xff;
  return isLong ? { end: at + 15, children: 0 } : undefined;
}

const cborTags = { textTime: 0, secondsTime: 1, selfDescribed: 55_799 };

function cborToken(bytes: Buffer, at: number): Token | undefined {
  const code = bytes[at] ?? 0;
  const major = code >> 5;
  const information = code & 0x1f;
  if (information === 31) {
    if (major === 7) return { end: at + 1, children: 0, isBreak: true };
    return major === 4 || major === 5 ? { end: at + 1, children: Infinity } : undefined;
  }
  const head =
    information < 24
      ? { end: at + 1, length: information }
      : lengthAfter(bytes, at, { 24: 1, 25: 2, 26: 4, 27: 8 }[information]);
  if (head === undefined) return undefined;
  const { end, length } = head;
  switch (major) {
    case 0:
    case 1:
      return { end, children: 0 };
    case 3:
      return textToken(bytes, end, length);
    case 4:
      return { end, children: length };
    case 5:
      return { end, children: 2 * length };
    case 6:
      return Object.values(cborTags).includes(length) ? { end, children: 1 } : undefined;
    case 7:
      return (information >= 20 && information <= 23) || information >= 25 ? { end, children: 0 } : undefined;
    default:
      return undefined;
  }
}

/** Decoders would replace bad bytes, and something else than what was sent would be stored. */
function textToken(bytes: Buffer, start: number, length: number): Token | undefined {
  const end = start + length;
  return isUtf8(bytes.subarray(start, end)) ? { end, children: 0 } : undefined;
}

function lengthAfter(
  bytes: Buffer,
  at: number,
  size: number | undefined,
): { readonly end: number; readonly length: number } | undefined {
  if (size === undefined || at + 1 + size > bytes.length) return undefined;
  const length = size === 8 ? Number(bytes.readBigUInt64BE(at + 1)) : bytes.readUIntBE(at + 1, size);
  return { end: at + 1 + size, length };
}
