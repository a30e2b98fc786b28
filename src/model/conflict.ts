import type { Origin, Stamp } from './change.ts';

/** Orders origins by name, then store id, both bytewise (UTF-8). */
export function compareOrigins(a: Origin, b: Origin): number {
  return compareBytewise(a.name, b.name) || compareBytewise(a.storeId, b.storeId);
}

/** The order that decides every conflict, on every node: version first, then origin. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a.version === b.version ? compareOrigins(a.origin, b.origin) : a.version < b.version ? -1 : 1;
}

export type Verdict = 'wins' | 'same' | 'loses' | 'forged';

/**
 * Whether `incoming` replaces `stored`. The answer depends on the two stamps and bytes alone, so every
 * node reaches the same row whatever the order of arrival.
 *
 * `forged`: the same stamp with other bytes; no honest node makes it, so the higher bytes win everywhere, see
 * {@link compareContent}. Whoever merges keeps the others as a conflict (`same stamp`), and a line of the log says so.
 */
export function judge(
  incoming: Stamp & { readonly bytes: Uint8Array | null },
  stored: (Stamp & { readonly bytes: Uint8Array | null }) | undefined,
): Verdict {
  if (!stored) return 'wins';
  const order = compareStamps(incoming, stored);
  if (order > 0) return 'wins';
  if (order < 0) return 'loses';
  return compareContent(incoming.bytes, stored.bytes) === 0 ? 'same' : 'forged';
}

/** Bytewise; a delete is lower than any content. */
export function compareContent(a: Uint8Array | null, b: Uint8Array | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return Buffer.compare(a, b);
}

function compareBytewise(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Not in the alphabet of store ids. */
const deletedMark = '/deleted';

/**
 * The stamp of the delete of a row whose tombstone nobody has any more: above the row, and below whatever else is above it.
 * The same on every node that comes to know of it.
 */
export function deletedStamp({ version, origin }: Stamp): Stamp {
  return { version, origin: { ...origin, storeId: `${origin.storeId}${deletedMark}` } };
}

/** The stamp itself, or that of the row of which it is the {@link deletedStamp}. */
export function writerOf(stamp: Stamp): Stamp {
  const { origin } = stamp;
  if (!origin.storeId.endsWith(deletedMark)) return stamp;
  return { ...stamp, origin: { ...origin, storeId: origin.storeId.slice(0, -deletedMark.length) } };
}
