import * as z from 'zod';
import { bytes, count, cursor, head, id, identity, key, maxKeysTold, origin, range } from './wire-fields.ts';
import { packedDigests, packedEntries } from './packed-digests.ts';

/** About how much the link takes at a time, as the subscriber has measured it. */
const maxBytes = count.optional();
/** Of rows that come in parts: the next one of an answer. */
const nextPart = z.object({ id, from: count }).optional();
const part = z.object({ id, from: count, total: count }).optional();
const noted = z.object({ seq: count, id });

/** What a subscriber asks of the publisher of a channel. */
export const channelRequest = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('subscribe'),
    channel: z.string(),
    primaryKey: z.string().optional(),
    cursor: cursor.optional(),
    /** The copy that is under way at `cursor`. */
    copyId: id.optional(),
    /** The stream lacks something behind `cursor`: the log has to bring it. */
    isStreamTorn: z.boolean().optional(),
    /** Nodes whose own channel of this table the subscriber follows: their transactions may come as stubs. */
    sources: z.array(z.string()),
    maxBytes,
  }),
  z.object({
    kind: z.literal('pull'),
    channel: z.string(),
    cursor,
    sources: z.array(z.string()),
    /** Bodies of everything, whatever `sources` says. */
    bodies: z.boolean(),
    /** Pieces of transaction `cursor.seq + 1` that the subscriber holds. */
    pieces: count,
    maxBytes,
  }),
  z.object({
    kind: z.literal('copy'),
    channel: z.string(),
    cursor,
    copyId: id,
    after: key.nullable(),
    newerThan: count,
    maxBytes,
    nextPart,
  }),
  /** Digests of the next rows in key order. */
  z.object({
    kind: z.literal('digest'),
    channel: z.string(),
    identity,
    after: key.nullable(),
    newerThan: count,
  }),
  /** The rows of a range, without their contents. */
  z.object({ kind: z.literal('list'), channel: z.string(), identity, range, newerThan: count, maxBytes }),
  /** Some rows, tombstones too. */
  z.object({
    kind: z.literal('rows'),
    channel: z.string(),
    identity,
    keys: z.array(key).max(maxKeysTold),
    /** Those of the keys that only the subscriber has, and what it has. */
    onlyHere: z
      .array(z.object({ key, version: count, origin }))
      .max(maxKeysTold)
      .optional(),
    maxBytes,
    nextPart,
  }),
]);

const mark = z.object({
  storeId: id,
  place: z.object({ incarnation: id, seq: count }),
  held: z.object({ after: count, upTo: count }).optional(),
});

/** What the publisher answers. */
export const channelResponse = z.discriminatedUnion('kind', [
  /** Not now; ask again. */
  z.object({ kind: z.literal('waiting'), reason: z.string() }),
  /** Not without a decision by somebody. */
  z.object({ kind: z.literal('refused'), reason: z.string() }),
  /** The cursor is not in this history (any more): subscribe again. */
  z.object({ kind: z.literal('diverged'), reason: z.string() }),
  z.object({
    kind: z.literal('begin'),
    identity,
    primaryKey: z.string(),
    head,
    start: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('pull') }),
      z.object({ kind: z.literal('stream'), stream: z.string(), consumer: z.string() }),
      z.object({ kind: z.literal('copy'), copyId: id, noted, total: count, marks: z.array(mark) }),
    ]),
  }),
  z.object({
    kind: z.literal('items'),
    identity,
    /** In channel order. */
    items: z.array(z.object({ seq: count, id, bytes })),
    head,
    /** The stream can take over after these. */
    hasStream: z.boolean(),
  }),
  z.object({
    kind: z.literal('page'),
    identity,
    copyId: id,
    noted,
    /** Present when the log has overtaken the copy: `noted` is a new place, and these are the marks there. */
    marks: z.array(mark).optional(),
    /** Highest version of a delete that the publisher has forgotten. */
    deletedBefore: count.optional(),
    total: count,
    /** `encodeChanges`. */
    rows: bytes,
    part,
    lastKey: key.nullable(),
    isLast: z.boolean(),
  }),
  z.object({
    kind: z.literal('digest'),
    identity,
    digests: packedDigests,
    /** With the first of them: what a table that equals this one holds, and lacks because it was deleted. */
    knowledge: z.object({ marks: z.array(mark), deletedBefore: count }).optional(),
  }),
  z.object({
    kind: z.literal('list'),
    identity,
    range,
    origins: z.array(origin),
    entries: packedEntries,
    /** Newest transaction when the list was made. */
    head,
  }),
  z.object({
    kind: z.literal('rows'),
    identity,
    /** `encodeChanges`. */
    rows: bytes,
    part,
    /** So many of the keys were looked at, or else all. */
    covered: count.optional(),
    /** Keys that only the subscriber has, because they were deleted here so long ago that the delete is forgotten. */
    deleted: z.array(key).max(maxKeysTold).optional(),
  }),
]);

/** How much of a channel an answer carries. */
export function carriedBytes(response: z.infer<typeof channelResponse>): number {
  if (response.kind === 'items') return response.items.reduce((sum, item) => sum + item.bytes.length, 0);
  return response.kind === 'page' || response.kind === 'rows' ? response.rows.length : 0;
}

/** Part of a comparison. */
export function isOfComparison({ kind }: z.infer<typeof channelResponse>): boolean {
  return kind === 'digest' || kind === 'list' || kind === 'rows';
}

/** A push: what the receiver asked for last, or nothing to hear what it wants. */
export const applyRequest = z.object({ channel: z.string(), response: channelResponse.nullable() });
/** `next` is null when the receiver wants nothing now. */
export const applyResponse = z.object({
  next: channelRequest.nullable(),
  reason: z.string().optional(),
  /** A comparison may go on behind the answer, or the receiver does not know yet that nothing is left. */
  answerAlsoIfEmpty: z.boolean().optional(),
});

export type ChannelRequest = z.infer<typeof channelRequest>;
export type ChannelResponse = z.infer<typeof channelResponse>;
export type ApplyRequest = z.infer<typeof applyRequest>;
export type ApplyResponse = z.infer<typeof applyResponse>;
