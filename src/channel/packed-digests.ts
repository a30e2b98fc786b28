import * as z from 'zod';
import { compareKeys, type Key, type Origin } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import type { DigestEntry, RangeDigest } from '../store/digests.ts';

const key = z.union([z.string(), z.number()]);
const count = z.int().nonnegative();
const hash = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected binary');

/** More than an answer tells, and than the rows of one range: whoever hears of them looks at as many of its own. */
const maxDigests = 1_000;
const maxRangeRows = 10_000;

/** Ranges that follow each other: where each ends, its rows, its hash. A table of a million rows is told in 350 kB. */
export const packedDigests = z
  .array(z.tuple([key.nullable(), count.max(maxRangeRows), hash]))
  .max(maxDigests);
/** Key, version, which of the origins, hash. */
export const packedEntries = z.array(z.tuple([key, count, count, hash]));

export function packDigests(digests: readonly RangeDigest[]): z.infer<typeof packedDigests> {
  return digests.map(({ range, rows, hash: text }) => [range.upTo, rows, Buffer.from(text, 'hex')]);
}

/**
 * @param after where the first range begins
 * @throws CodedError `undecodable` where the ranges do not follow each other: the same rows would be looked at again
 */
export function unpackDigests(after: Key | null, packed: z.infer<typeof packedDigests>): RangeDigest[] {
  let begin = after;
  return packed.map(([upTo, rows, bytes], index) => {
    const isRising =
      upTo === null ? index === packed.length - 1 : begin === null || compareKeys(begin, upTo) < 0;
    if (!isRising) throw new CodedError('undecodable', 'Ranges of a comparison do not follow each other');
    const range = { after: begin, upTo };
    begin = upTo;
    return { range, rows, hash: Buffer.from(bytes).toString('hex') };
  });
}

export function packEntries(entries: readonly DigestEntry[]): {
  readonly origins: Origin[];
  readonly entries: z.infer<typeof packedEntries>;
} {
  const places = new Map<string, number>();
  const origins: Origin[] = [];
  const placeOf = (origin: Origin): number => {
    const name = JSON.stringify([origin.name, origin.storeId]);
    const known = places.get(name);
    if (known !== undefined) return known;
    places.set(name, origins.length);
    return origins.push(origin) - 1;
  };
  return {
    entries: entries.map((entry) => [
      entry.key,
      entry.version,
      placeOf(entry.origin),
      Buffer.from(entry.hash, 'hex'),
    ]),
    origins,
  };
}

export function unpackEntries(
  origins: readonly Origin[],
  packed: z.infer<typeof packedEntries>,
): DigestEntry[] {
  return packed.flatMap(([entryKey, version, place, bytes]) => {
    const origin = origins[place];
    return origin ? [{ key: entryKey, version, origin, hash: Buffer.from(bytes).toString('hex') }] : [];
  });
}
