import { channelName } from '../model/channel-name.ts';
import type { ClockReading } from '../model/clock-reading.ts';
import { CodedError } from '../model/errors.ts';
import { removedThere, type NodeRow, type Subscription } from '../model/node.ts';
import { randomId } from '../model/random-id.ts';
import { isReplicable, mergeSubscriptions, shared, type SharedSubscription } from '../model/subscription.ts';
import type { Told } from '../store/confirmed.ts';
import { hasLeftOut } from '../store/cursors.ts';
import type { HeardPlace } from '../store/heard.ts';
import type { Store } from '../store/store.ts';
import type { Proofs } from './agreement.ts';
import type { VerificationResult } from './verification.ts';
import { copyRate } from './copy-rate.ts';
import { protocolVersion, type Hello } from './hello.ts';
import { wireCursor } from './wire-fields.ts';
import { storedRoutes } from './route-dialler.ts';
import { toldPlace } from './told-place.ts';

/** Of each channel that cannot be taken; there may be thousands, in one greeting. */
const maxReasonLength = 200;

/** What runs for a peer, as far as a greeting tells of it. */
export interface GreetedPeer {
  /** Our own link to the peer. */
  readonly link: { readonly isOpen: boolean } | undefined;
  /** The peer's clock as our link to it shows it. */
  readonly measuredClock: ClockReading | undefined;
  /** What the peer has said last. */
  readonly hello: Hello | undefined;
  /** Channels of the peer of which we want to know something else than we said last. */
  readonly asking: readonly string[];
  /** What the peer is asked to compare. */
  readonly compare: Readonly<Record<string, number>>;
  /** Channels of the peer that cannot be taken, and why. */
  readonly failures: Readonly<Record<string, string>>;
  /** The newest comparison of a channel with the peer. */
  verified(channel: string): VerificationResult | undefined;
}

export interface GreeterOptions {
  readonly store: Store;
  readonly server: { readonly port: number };
  readonly apiPort: number;
  readonly version: string;
  readonly maxTransactionBytes: number;
  readonly routes: readonly { readonly host: string; readonly port: number }[];
  readonly proofs: Proofs;
  readonly session: (peer: string) => GreetedPeer | undefined;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  readonly live: () => readonly string[];
}

/** What this node says of itself to a peer, and what it makes of what a peer says. */
export class Greeter {
  readonly #options: GreeterOptions;
  readonly #bootId = randomId(9);

  constructor(options: GreeterOptions) {
    this.#options = options;
  }

  /** For nobody in particular when `peer` is undefined: no channels then. */
  compose(peer: string | undefined): Hello {
    const { store, server, apiPort, version, maxTransactionBytes, routes, proofs, live } = this.#options;
    const row = peer === undefined ? undefined : store.nodes.get(peer);
    const session = peer === undefined ? undefined : this.#options.session(peer);
    const subscriptions = row?.subscriptions ?? [];
    const taken = this.#taken(subscriptions, row?.storeId);
    const clockOffset = session?.measuredClock;
    // Before the heads: what is older is behind them.
    const writesAfter = store.clock;
    return {
      protocol: protocolVersion,
      name: store.nodeName,
      storeId: store.identity.storeId,
      bootId: this.#bootId,
      clockMs: this.#options.now(),
      writesAfter,
      ...(clockOffset ? { clockOffset } : {}),
      system: {
        lyre: version,
        node: process.versions.node,
        platform: process.platform,
        apiPort,
        clusterPort: server.port,
      },
      maxTransactionBytes,
      isDialling: session?.link?.isOpen ?? false,
      addedVersion: row?.addedVersion ?? 0,
      subscriptions: subscriptions.map((subscription) => ({
        ...shared(subscription),
        proof: proofs.prove(store.nodeName, peer ?? '', subscription),
      })),
      heads: Object.fromEntries(
        subscriptions
          .filter(({ publish }) => publish)
          .flatMap((subscription) => this.#head(session, subscription)),
      ),
      ...taken,
      failed: toldFailures(session),
      verified: toldComparisons(session, subscriptions),
      stopped: subscriptions
        .filter(({ stopped }) => stopped !== undefined)
        .map(({ database, table }) => channelName(database, table)),
      asking: [...(session?.asking ?? [])],
      compare: session?.compare ?? {},
      links: [...live()],
      routes: [...routes, ...storedRoutes(store)],
      ...(row?.removedVersion === undefined ? {} : { removedVersion: row.removedVersion }),
    };
  }

  /** Brings the peer's row up to date; true when that changed what should run. */
  async merge(peer: string, message: Hello): Promise<boolean> {
    const { store, proofs } = this.#options;
    const row = store.nodes.knownNamed(peer);
    if (!row) return false;
    await this.#note(peer, row, message);
    const told = message.subscriptions.filter(
      (subscription) => isReplicable(subscription) && proofs.isProven(peer, store.nodeName, subscription),
    );
    const ended = (current: NodeRow): NodeRow | undefined =>
      message.removedVersion === undefined ? undefined : removedThere(current, message.removedVersion);
    const isKnown = row.storeId === message.storeId && agreedWith(row, told) === row.subscriptions;
    if (isKnown && !ended(row)) return false;
    await store.nodes.update(peer, (current) => {
      if (!current || current.removedVersion !== undefined) return undefined;
      const { storeId } = message;
      return ended(current) ?? { ...current, storeId, subscriptions: agreedWith(current, told) };
    });
    return true;
  }

  /** What is kept may be older than the truth: a disk that takes no more must not end the greeting. */
  async #note(peer: string, { subscriptions, storeId }: NodeRow, message: Hello): Promise<void> {
    const { confirmed, heard } = this.#options.store;
    try {
      await confirmed.note(peer, this.#confirmed(subscriptions, message));
      if (storeId !== undefined && storeId !== message.storeId) await heard.forget(peer);
      if (message.writesAfter !== undefined) await heard.follow(message.writesAfter);
      await heard.note(peer, this.#heard(subscriptions, message));
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'storage_failed') throw error;
    }
  }

  /** How far we have come in a peer's channels. */
  #heard(subscriptions: readonly Subscription[], { storeId, heads, writesAfter }: Hello): HeardPlace[] {
    const { store } = this.#options;
    if (writesAfter === undefined) return [];
    // No delete here is newer than our own clock; what a peer says beyond that is worth nothing.
    const upTo = Math.min(writesAfter, store.clock);
    return subscriptions.flatMap(({ subscribe, database, table: name }) => {
      const table = store.catalog.table(database, name);
      const head = heads[channelName(database, name)];
      const cursor = table && store.cursors.get(storeId, table.id);
      if (!subscribe || !head || !cursor || cursor.copy || cursor.unproven) return [];
      // What a start time leaves out may still come, when it is lifted.
      if (hasLeftOut(cursor, () => 0)) return [];
      return [{ tableId: table.id, headSeq: head.seq, upTo, seq: cursor.seq }];
    });
  }

  /** What a peer has applied of our channels. */
  #confirmed(subscriptions: readonly Subscription[], { storeId, cursors, copying }: Hello): Told[] {
    const { store } = this.#options;
    return subscriptions.flatMap(({ publish, database, table: name }) => {
      const table = store.catalog.table(database, name);
      const channel = channelName(database, name);
      const place = publish && table ? toldPlace(store, table, cursors[channel]) : undefined;
      return place ? [{ ...place, storeId, isCopying: copying?.[channel] !== undefined }] : [];
    });
  }

  #head(
    session: GreetedPeer | undefined,
    subscription: { readonly database: string; readonly table: string },
  ): [string, Hello['heads'][string]][] {
    const { store } = this.#options;
    const table = store.catalog.table(subscription.database, subscription.table);
    if (!table) return [];
    const channel = channelName(subscription.database, subscription.table);
    const { headSeq } = store.log.head(table.id);
    const head = { seq: headSeq, committedAtMs: store.log.committedAt(table.id, headSeq) ?? 0 };
    const place = toldPlace(store, table, session?.hello?.cursors[channel]);
    const seq = (place?.seq ?? headSeq) + 1;
    const committedAtMs = store.log.committedAt(table.id, seq);
    return [[channel, committedAtMs === undefined ? head : { ...head, unconfirmed: { seq, committedAtMs } }]];
  }

  /** How far we are in the channels of a peer. */
  #taken(
    subscriptions: readonly Subscription[],
    storeId: string | undefined,
  ): Required<Pick<Hello, 'cursors' | 'copying'>> {
    const { store } = this.#options;
    const cursors: Hello['cursors'] = {};
    const copying: Hello['copying'] = {};
    for (const { subscribe, database, table: name } of subscriptions) {
      const table = store.catalog.table(database, name);
      if (!subscribe || !table || storeId === undefined) continue;
      const cursor = store.cursors.get(storeId, table.id);
      if (!cursor) continue;
      const channel = channelName(database, name);
      cursors[channel] = wireCursor({ storeId, incarnation: cursor.incarnation }, cursor);
      if (cursor.copy) copying[channel] = copyRate(cursor.copy);
    }
    return { cursors, copying };
  }
}

function toldFailures(session: GreetedPeer | undefined): NonNullable<Hello['failed']> {
  const failures = Object.entries(session?.failures ?? {});
  return Object.fromEntries(failures.map(([channel, reason]) => [channel, reason.slice(0, maxReasonLength)]));
}

function toldComparisons(
  session: GreetedPeer | undefined,
  subscriptions: readonly Subscription[],
): Hello['verified'] {
  const found = subscriptions.flatMap((subscription): [string, Hello['verified'][string]][] => {
    const channel = channelName(subscription.database, subscription.table);
    const result = session?.verified(channel);
    if (!result || result.early > 0) return [];
    const { early: _none, ...told } = result;
    return [[channel, { ...told, repaired: [...told.repaired] }]];
  });
  return Object.fromEntries(found);
}

function agreedWith(
  { subscriptions, endedUpTo }: NodeRow,
  told: readonly SharedSubscription[],
): readonly Subscription[] {
  return mergeSubscriptions(subscriptions, told, endedUpTo);
}
