import * as z from 'zod';
import { highestPriority } from '../model/subscription.ts';
import { count, cursor, head, id, key, maxKeysTold, text, timeMs } from './wire-fields.ts';

/** Version of the services; told in every greeting. */
export const protocolVersion = 2;

/** More channels between two nodes, and more nodes, than a greeting has room for. */
const maxListed = 20_000;

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

export type Hello = z.infer<typeof hello>;
export type Greeting = z.infer<typeof greeting>;
