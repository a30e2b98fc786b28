import { readWide, writeWide } from './wide-integer.ts';

/** Where a transaction of a channel is in the log, and how much was logged before it. */
export interface ChannelPlace {
  readonly position: number;
  readonly id: string;
  /** What had been logged ever when this entry was appended; undefined in places of format 0. */
  readonly before: LoggedBytes | undefined;
}

export interface LoggedBytes {
  /** Of changes, in the channel. */
  readonly channel: number;
  /** Of entries, in the whole log. */
  readonly log: number;
}

const format = 1;
const headBytes = 24;

/** The first byte is the format; format 0 was the position, whose first byte is always 0, and the id. */
export function encodePlace(position: number, id: string, before: LoggedBytes): Buffer {
  const value = Buffer.allocUnsafe(headBytes + id.length);
  writeWide(value, position, 0);
  value.writeUInt8(format, 0);
  writeWide(value, before.channel, 8);
  writeWide(value, before.log, 16);
  value.write(id, headBytes, 'latin1');
  return value;
}

export function decodePlace(value: Buffer): ChannelPlace {
  const position = value.readUIntBE(2, 6);
  if (value.readUInt8(0) !== format) return { position, id: value.toString('latin1', 8), before: undefined };
  return {
    position,
    id: value.toString('latin1', headBytes),
    before: { channel: readWide(value, 8), log: readWide(value, 16) },
  };
}
