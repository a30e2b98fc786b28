/** Integers beyond 32 bits on disk: eight bytes, big-endian, exact up to 2^53. */

export function writeWide(target: Buffer, value: number, offset: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  target.writeUInt32BE(value % 2 ** 32, offset + 4);
}

export function readWide(source: Buffer, offset = 0): number {
  return source.readUInt32BE(offset) * 2 ** 32 + source.readUInt32BE(offset + 4);
}
