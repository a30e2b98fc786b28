import * as z from 'zod';
import { CodedError } from '../model/errors.ts';
import { isId } from '../model/random-id.ts';
import { highestPriority } from '../model/subscription.ts';
import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import { packedDigests, packedEntries } from './packed-digests.ts';

/** Version of the services; told in `hello`. */
export const protocolVersion = 2;

/** More channels between two nodes, and more nodes, than a greeting has room for. */
const maxListed = 20_000;
/** More than are asked for at a time; of rows that were repaired only some are told. */
const maxKeysTold = 1_000;
/** Longer than any name, id, proof or version of a release; a reason is cut. */
export const maxTextLength = 1_000;
const text = z.string().max(maxTextLength);
const id = z.string().refine(isId, 'no id');

const count = z.int().nonnegative();
/** A moment that a person can be shown. */
const timeMs = z.number().min(-8.64e15).max(8.64e15);
const key = z.union([z.string(), z.number()]);
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected binary');

/** A place in one history of one table. */
const cursor = z.object({ storeId: id, incarnation: id, seq: count, id });

const origin = z.object({ name: text, storeId: id });
const identity = z.object({ storeId: id, incarnation: id });
const range = z.object({ after: key.nullable(), upTo: key.nullable() });
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

const head = z.object({ seq: count, committedAtMs: timeMs });
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

/** Something of each channel that it names. */
function ofChannels<T extends z.ZodType>(told: T) {
  return z
    .record(text, told)
    .refine((channels) => Object.keys(channels).length <= maxListed, 'too many channels');
}

const subscription = z.object({
  database: text,
  table: text,
  publish: z.boolean(),
  subscribe: z.boolean(),
  startTimeMs: timeMs.optional(),
  priority: z.int().min(0).max(highestPriority).optional(),
  version: count,
  /** By the cluster user's secret: a stolen nkey alone must not widen what its node may read or write. */
  proof: text,
});

/** Exchanged when a link comes up, at every change, and every two seconds: the proof of life. */
export const hello = z.object({
  protocol: z.literal(protocolVersion),
  name: text,
  storeId: id,
  /** Drawn when the teller's process starts: what the one before was asked, nobody will answer. */
  bootId: text.optional(),
  clockMs: timeMs,
  /** The newest version that is at the teller: what it writes after this is newer, whatever becomes of its clock. */
  writesAfter: count.optional(),
  /** The other's clock as the teller has measured it over its own link. */
  clockOffset: z.object({ offsetMs: z.number(), uncertaintyMs: z.number() }).optional(),
  system: z.object({
    lyre: text,
    node: text,
    platform: text,
    apiPort: count,
    clusterPort: count,
  }),
  maxTransactionBytes: count,
  /** The teller has a live connection of its own to the other. */
  isDialling: z.boolean(),
  addedVersion: count,
  /** The teller has removed the other. */
  removedVersion: count.optional(),
  subscriptions: z.array(subscription).max(maxListed),
  /**
   * Newest transaction of each channel that the teller publishes to the other, and the first of those that the other has
   * not said to have applied.
   */
  heads: ofChannels(head.extend({ unconfirmed: head.optional() })),
  /** What the teller has applied, on disk, of the other's channels. */
  cursors: ofChannels(cursor),
  /** Those of the other's channels that the teller copies, and how far it is: their cursor is where the copy began. */
  copying: ofChannels(
    z.object({
      rows: count,
      total: count,
      rate: z.number().nonnegative().optional(),
      etaSeconds: z.number().nonnegative().optional(),
    }),
  ).optional(),
  /** Those that it cannot take, and why. */
  failed: ofChannels(text).optional(),
  /** The teller's newest comparisons with the other's channels. */
  verified: ofChannels(
    z.object({
      asOfMs: timeMs,
      rows: count,
      repairedCount: count,
      repaired: z.array(key).max(maxKeysTold),
      onlyHere: count,
      /** Of `compare`: it began after that was asked for. */
      request: count.optional(),
    }),
  ),
  /** Channels of the teller's that the other is to compare now, each with a number that grows from one request to the next. */
  compare: ofChannels(count).optional(),
  /** Channels of the other's of which the teller wants to know something else than it said last: a pusher need not wait to hear of it. */
  asking: z.array(text).max(maxListed).optional(),
  /** Channels that somebody has stopped at the teller: nothing comes of them. */
  stopped: z.array(text).max(maxListed).optional(),
  /** Names of the nodes that the teller has a live link with. */
  links: z.array(text).max(maxListed),
  routes: z.array(z.object({ host: text, port: count })).max(maxListed),
});

/** How a greeting travels: whole, or as a merge patch of one that the other has; see `greeting-exchange.ts`. */
export const greeting = z.looseObject({
  number: count.optional(),
  /** Of the teller's, by which its numbers count: drawn when its process, or what it has with the other, begins. */
  exchange: text.optional(),
  /** The greeting of the teller that this one is a patch of. */
  basis: count.optional(),
  /** The newest of the other's greetings that the teller has, and of which `exchange`. */
  known: z.object({ exchange: text, number: count }).optional(),
});

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
export type Hello = z.infer<typeof hello>;
export type Greeting = z.infer<typeof greeting>;
export type ApplyRequest = z.infer<typeof applyRequest>;
export type ApplyResponse = z.infer<typeof applyResponse>;
export type WireCursor = z.infer<typeof cursor>;

/** A place as it is told. */
export function wireCursor(
  source: { readonly storeId: string; readonly incarnation: string },
  cursor: { readonly seq: number; readonly id: string },
): WireCursor {
  return { storeId: source.storeId, incarnation: source.incarnation, seq: cursor.seq, id: cursor.id };
}

const failure = z.object({ error: z.string() });

export function encodeBody(body: unknown): Uint8Array {
  return encodeMessage(body);
}

export function encodeFailure(reason: string): Uint8Array {
  return encodeMessage({ error: reason });
}

/** What is said of a message that is not as agreed: it may have as many faults as bytes, and names as long. */
const faultsTold = 5;
const charactersTold = 1_000;

/** Parses what another node sent. @throws CodedError `undecodable`, or `unavailable` with the reason that it gave */
export function decodeBody<T>(schema: z.ZodType<T>, body: Uint8Array): T {
  return parseBody(schema, decodeMessage(body));
}

/** The same, of a message that is no longer packed. */
export function parseBody<T>(schema: z.ZodType<T>, message: unknown): T {
  const parsed = schema.safeParse(message);
  if (parsed.success) return parsed.data;
  const refused = failure.safeParse(message);
  if (refused.success) throw new CodedError('unavailable', refused.data.error.slice(0, charactersTold));
  const faults = z.prettifyError(new z.ZodError(parsed.error.issues.slice(0, faultsTold)));
  throw new CodedError(
    'undecodable',
    `A message of another node is not as agreed: ${faults.slice(0, charactersTold)}`,
  );
}
