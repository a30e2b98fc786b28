import { Decoder as CborDecoder } from 'cbor-x';
import { Unpackr } from 'msgpackr';
import { CodedError } from '../model/errors.ts';
import { isSoundCbor, isSoundMessagePack } from './binary-structure.ts';
import { forbiddenName, refuseUnkeepable } from '../model/refuse-unkeepable.ts';

/** A request body in MessagePack. @throws CodedError `invalid_request`, `too_large` */
export function parseMessagePack(body: Buffer): unknown {
  return parse('MessagePack', body, isSoundMessagePack, (bytes) =>
    new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(bytes),
  );
}

/** A request body in CBOR. @throws CodedError `invalid_request`, `too_large` */
export function parseCbor(body: Buffer): unknown {
  return parse('CBOR', body, isSoundCbor, (bytes) =>
    new CborDecoder({ useRecords: false, mapsAsObjects: true }).decode(bytes),
  );
}

function parse(
  name: string,
  body: Buffer,
  isSound: (bytes: Buffer) => boolean,
  decode: (bytes: Buffer) => unknown,
): unknown {
  const invalid = `Invalid ${name}, or it holds what JSON has no counterpart of.`;
  if (!isSound(body)) throw new CodedError('invalid_request', invalid);
  let value: unknown;
  try {
    value = plain(decode(body));
  } catch (cause) {
    throw new CodedError('invalid_request', invalid, { cause });
  }
  // The decoders rename `__proto__`: a record would be stored under another name than was sent.
  if (body.includes('__proto__')) refuseRenamed(value);
  refuseUnkeepable(value);
  return value;
}

/** The value as JSON would have brought it: times as ISO text, whole numbers as numbers. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean')
    return value ?? null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    throw new TypeError(`A ${typeof value} has no counterpart in JSON`);
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, plain(child)]));
}

function refuseRenamed(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto_')) throw forbiddenName();
  for (const child of Object.values(value)) refuseRenamed(child);
}
