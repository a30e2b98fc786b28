import { channelName } from '../model/channel-name.ts';
import type { NodeRow, Subscription } from '../model/node.ts';
import type { Logger } from '../runtime/logger.ts';
import type { MakeLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import { ChannelReceiver } from './channel-receiver.ts';
import type { Later } from '../runtime/later.ts';
import { RareLines } from '../runtime/rare-lines.ts';
import { PartGate, type FollowedChannel } from './part-gate.ts';
import type { PeerLink } from './peer-link.ts';
import { isOfComparison, type ApplyRequest, type ApplyResponse, type ChannelResponse } from './protocol.ts';
import { Subscriber } from './subscriber.ts';
import type { Slots } from './slots.ts';
import type { Turns } from './turns.ts';
import { Verifier } from './verifier.ts';

export interface IncomingChannelsOptions {
  readonly peer: string;
  readonly store: Store;
  /** Our own link to the peer, once an address is known. */
  readonly link: () => PeerLink | undefined;
  readonly turns: Turns;
  readonly beginning: Slots;
  /** Store id of the peer, as it last said. */
  readonly peerStoreId: () => string | undefined;
  /** The peer says that it has stopped a channel. */
  readonly isStoppedThere: (channel: string) => boolean;
  /** Names of other peers that are alive and publish the table to us. */
  readonly otherSources: (database: string, table: string) => readonly string[];
  readonly relayWaitMs: number;
  readonly verifyIntervalMs?: number;
  readonly makeLoop: MakeLoop;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  /** Ms of a clock that nobody sets: what waits must not wait for an hour because the wall clock went back. */
  readonly steadyMs: () => number;
  readonly later?: Later;
  readonly log: Logger;
}

interface Incoming {
  /** What it serves. Two decisions of one moment become one of the same version. */
  readonly decision: Pick<Subscription, 'version' | 'startTimeMs'>;
  readonly verifier: Verifier;
  readonly receiver: ChannelReceiver;
  readonly subscriber: Subscriber | undefined;
  /** For what the peer pushes over its own link: one at a time. */
  readonly pushed: ChannelReceiver;
  pushing: Promise<unknown>;
}

/** What is taken from a peer: for each channel a subscriber over our own link, and a receiver of what the peer pushes. */
export class IncomingChannels implements AsyncDisposable {
  readonly #options: IncomingChannelsOptions;
  readonly #incoming = new Map<string, Incoming>();
  /** Of channels that have ended, until it is known what follows them. */
  readonly #left = new Map<string, Verifier>();
  readonly #gate: PartGate;
  readonly #stopped: RareLines;
  /** Of what holds pushes back. */
  #end = new AbortController();

  constructor(options: IncomingChannelsOptions) {
    this.#options = options;
    const { turns, log } = options;
    this.#stopped = new RareLines({ log, level: 'info', message: 'batch stopped', field: 'channel' });
    this.#gate = new PartGate({
      ...options,
      followed: (channel) => this.#followed(channel),
      waitMs: 2_000,
      stepAside: (channel) => turns.stepAside(channel),
      isComing: (channel) => turns.isComing(channel),
    });
  }

  /** Makes what runs fit the row. */
  async update(row: NodeRow): Promise<void> {
    const wanted = new Map(
      row.subscriptions
        .filter(({ subscribe, stopped }) => subscribe && stopped === undefined)
        .map((subscription) => [channelName(subscription.database, subscription.table), subscription]),
    );
    const ended = [...this.#incoming].filter(([channel, { decision }]) => {
      const now = wanted.get(channel);
      // A new decision begins anew: its start time may differ, and the table may be another one since.
      return now?.version !== decision.version || now.startTimeMs !== decision.startTimeMs;
    });
    for (const [channel, { verifier }] of ended) {
      this.#incoming.delete(channel);
      this.#left.set(channel, verifier);
    }
    for (const [channel, subscription] of wanted)
      if (!this.#incoming.has(channel)) this.#incoming.set(channel, this.#start(subscription));
    for (const [channel, verifier] of this.#left) {
      const incoming = this.#incoming.get(channel);
      if (incoming) verifier.handOver(incoming.verifier);
    }
    this.#left.clear();
    // Only now: what it is applying may take a while, and parts in other channels wait for a channel that is followed.
    await Promise.all(ended.map(async ([, { subscriber }]) => subscriber?.[Symbol.asyncDispose]()));
    await this.#forgetEnded(row, wanted);
    this.#gate.forgetPassed();
  }

  /** The receiver that is in use: our own when we dial, else the one that is pushed to. */
  receiver(channel: string): ChannelReceiver | undefined {
    const incoming = this.#incoming.get(channel);
    return this.#options.link()?.isOpen ? incoming?.receiver : incoming?.pushed;
  }

  /** Channels that the peer has to bring and of which we want something else than we said last: a comparison, or to subscribe. */
  get asking(): readonly string[] {
    return [...this.#incoming.values()]
      .map(({ pushed }) => pushed)
      .filter((pushed) => this.receiver(pushed.channel) === pushed)
      .filter(({ state, isComparisonDue }) => state.kind === 'subscribing' || isComparisonDue)
      .map(({ channel }) => channel);
  }

  /** The peer asks that its channels be compared. */
  compare(requests: Readonly<Record<string, number>>): void {
    for (const [channel, request] of Object.entries(requests))
      this.#incoming.get(channel)?.verifier.answer(request);
  }

  /** Takes a push and says what to push next. */
  async push(request: ApplyRequest): Promise<ApplyResponse> {
    const incoming = this.#incoming.get(request.channel);
    if (!incoming) return { next: null, reason: `not subscribed to ${request.channel}` };
    // Over our own link we pull: nobody needs to push.
    if (this.#options.link()?.isOpen) return { next: null, reason: 'pulling' };
    const { pushed } = incoming;
    if (!pushed.mayAsk()) return { next: null, reason: 'resting' };
    const turn = incoming.pushing.then(async () => {
      try {
        if (request.response) await pushed.accept(request.response);
        else {
          pushed.linkRenewed();
          pushed.restart();
        }
        return await nextOf(pushed, request.response, this.#end.signal);
      } catch (error) {
        pushed.fail(error);
        throw error;
      }
    });
    incoming.pushing = turn.catch(() => undefined);
    return turn;
  }

  /** The peer has greeted: who waits for it goes on. */
  heard(): void {
    for (const { subscriber, receiver } of this.#incoming.values())
      if (receiver.state.kind === 'waiting' || receiver.state.kind === 'subscribing') subscriber?.wake();
  }

  linkChanged(): void {
    const isOpen = this.#options.link()?.isOpen === true;
    for (const incoming of this.#incoming.values()) {
      // Nobody pushes from here on: what was pushed last says nothing once our link is lost.
      if (isOpen) incoming.pushing = incoming.pushing.then(() => incoming.pushed.restart());
      incoming.subscriber?.wake();
    }
  }

  /** A question that is lost is asked again by itself; a stream that brings nothing is left. */
  askAgain(isStill: (channel: string) => boolean): void {
    for (const [channel, { subscriber }] of this.#incoming) if (isStill(channel)) subscriber?.askAgain();
  }

  /** Ends all of them: the link becomes another one. */
  async end(): Promise<void> {
    await this[Symbol.asyncDispose]();
    for (const [channel, { verifier }] of this.#incoming) this.#left.set(channel, verifier);
    this.#incoming.clear();
    this.#end = new AbortController();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await Promise.all(
      [...this.#incoming.values()].map(async ({ subscriber }) => subscriber?.[Symbol.asyncDispose]()),
    );
  }

  #start(subscription: Subscription): Incoming {
    const { link: linkNow, turns, beginning, makeLoop, log } = this.#options;
    const verifier = this.#makeVerifier(subscription);
    const receiver = this.#makeReceiver(subscription, verifier);
    const link = linkNow();
    const subscriber = link && new Subscriber({ receiver, link, turns, beginning, makeLoop, log });
    subscriber?.start();
    return {
      decision: subscription,
      verifier,
      receiver,
      subscriber,
      pushed: this.#makeReceiver(subscription, verifier),
      pushing: Promise.resolve(),
    };
  }

  #makeVerifier({ database, table }: Subscription): Verifier {
    const { verifyIntervalMs: intervalMs } = this.#options;
    return new Verifier({ ...this.#options, channel: channelName(database, table), intervalMs });
  }

  #makeReceiver({ database, table: tableName }: Subscription, verifier: Verifier): ChannelReceiver {
    const { otherSources } = this.#options;
    return new ChannelReceiver({
      ...this.#options,
      database,
      tableName,
      sources: () => otherSources(database, tableName),
      gate: this.#gate,
      verifier,
      onApplied: ({ stop }) => {
        // A stub is no news: where every node follows every other one, they come all the time.
        if (stop && stop.kind !== 'stub')
          this.#stopped.write(channelName(database, tableName), { stop: stop.kind });
      },
    });
  }

  /** Also while it subscribes again: only a channel that cannot go on by itself is not waited for. */
  #followed(channel: string): FollowedChannel | undefined {
    const { store, peerStoreId, isStoppedThere } = this.#options;
    const receiver = this.receiver(channel);
    const storeId = peerStoreId();
    const table = receiver && store.catalog.table(receiver.database, receiver.tableName);
    if (!table || storeId === undefined || isStoppedThere(channel)) return undefined;
    const { kind } = receiver.state;
    if (kind === 'waiting' || kind === 'failed') return undefined;
    return { storeId, tableId: table.id, isHeldUp: kind === 'quarantine-full' };
  }

  /** Ending a subscription deletes its cursor: the next one copies. */
  async #forgetEnded(
    { storeId, subscriptions }: NodeRow,
    wanted: ReadonlyMap<string, Subscription>,
  ): Promise<void> {
    const { store } = this.#options;
    if (storeId === undefined) return;
    for (const { database, table: tableName, subscribe } of subscriptions) {
      const table = store.catalog.table(database, tableName);
      if (subscribe || !table || wanted.has(channelName(database, tableName))) continue;
      if (store.cursors.get(storeId, table.id)) await store.putCursor(storeId, table, undefined);
    }
  }
}

/** What to push after that. A comparison must not hold up what is new: between two of its questions that is asked for. */
async function nextOf(
  pushed: ChannelReceiver,
  response: ChannelResponse | null,
  signal: AbortSignal,
): Promise<ApplyResponse> {
  if (response && isOfComparison(response)) return { next: pushed.next(), answerAlsoIfEmpty: true };
  const comparison = pushed.isBehind ? undefined : await pushed.nextComparison();
  if (comparison) return { next: comparison };
  await pushed.untilBody(signal);
  return { next: pushed.next(), answerAlsoIfEmpty: pushed.isBehind };
}
