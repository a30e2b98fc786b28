import { channelName } from '../model/channel-name.ts';
import type { ClockReading } from '../model/clock-reading.ts';
import { messageOf } from '../model/errors.ts';
import type { NodeRow, Subscription } from '../model/node.ts';
import { defaultPriority } from '../model/subscription.ts';
import type { PeerStatus } from '../model/replication-control.ts';
import type { Logger } from '../runtime/logger.ts';
import type { MakeLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import { ChannelReceiver } from './channel-receiver.ts';
import type { ChannelServer } from './channel-server.ts';
import { ClockOffset } from './clock-offset.ts';
import { PartGate, type FollowedChannel, type Later } from './part-gate.ts';
import type { PeerLink } from './peer-link.ts';
import type { ApplyRequest, ApplyResponse, Hello } from './protocol.ts';
import { Pusher } from './pusher.ts';
import { Standstill } from './standstill.ts';
import { Subscriber } from './subscriber.ts';
import type { VerificationResult } from './verification.ts';
import {
  fetchingPlace,
  stillLimitMs,
  subscriptionStatus,
  type SubscriptionFacts,
} from './subscription-status.ts';
import { Turns } from './turns.ts';

/** Silence for this long is a dead peer, whatever its sockets look like. */
export const aliveMs = 5_000;
/** A few answers of the largest size. */
const maxHeldBytes = 4 << 20;

export interface PeerSessionOptions<L extends PeerLink> {
  readonly name: string;
  readonly store: Store;
  /** Makes our own link to the peer; used once an address is known. */
  readonly makeLink: () => L;
  /** Answers the pushes' questions from the log. */
  readonly server: ChannelServer;
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
  readonly receiver: ChannelReceiver;
  readonly subscriber: Subscriber | undefined;
  /** For what the peer pushes over its own link: one at a time. */
  readonly pushed: ChannelReceiver;
  pushing: Promise<unknown>;
}

/** Everything that runs for one peer: the link, a receiver for each channel we take, a pusher for each we may have to bring. */
export class PeerSession<L extends PeerLink = PeerLink> implements AsyncDisposable {
  readonly name: string;
  readonly #options: PeerSessionOptions<L>;
  readonly #clockOffset: ClockOffset;
  readonly #incoming = new Map<string, Incoming>();
  readonly #gate: PartGate;
  readonly #turnsToTake: Turns;
  readonly #turnsToPush: Turns;
  readonly #pushers = new Map<string, Pusher>();
  readonly #standstill = new Standstill();
  #link: L | undefined;
  #address = '';
  #row: NodeRow;
  #hello: Hello | undefined;
  #heardMs = 0;
  /** When the peer last spoke over a connection that it dialled. */
  #heardFromTheirsMs = -Infinity;
  #heardSteadyMs = -Infinity;
  #sinceMs = 0;

  constructor(options: PeerSessionOptions<L>, row: NodeRow) {
    this.#options = options;
    this.name = options.name;
    this.#clockOffset = new ClockOffset(options);
    const turns = { priorityOf: (channel: string) => this.#priorityOf(channel), maxHeldBytes };
    this.#turnsToTake = new Turns(turns);
    this.#turnsToPush = new Turns(turns);
    this.#gate = new PartGate({
      store: options.store,
      followed: (channel) => this.#followed(channel),
      waitMs: 2_000,
      stepAside: (channel) => this.#turnsToTake.stepAside(channel),
      isComing: (channel) => this.#turnsToTake.isComing(channel),
      ...(options.later ? { later: options.later } : {}),
    });
    this.#row = row;
  }

  get link(): L | undefined {
    return this.#link;
  }

  get isAlive(): boolean {
    return this.#options.steadyMs() - this.#heardSteadyMs < aliveMs;
  }

  /** The peer has a live connection of its own to us. */
  get isDialledByPeer(): boolean {
    return this.#options.steadyMs() - this.#heardFromTheirsMs < aliveMs;
  }

  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** The peer's clock as our own link shows it. */
  get measuredClock(): ClockReading | undefined {
    return this.#link?.isOpen ? this.#clockOffset.reading : undefined;
  }

  /** Makes what runs fit the row: the link, receivers and pushers. */
  async update(row: NodeRow): Promise<void> {
    this.#row = row;
    await this.#updateLink(row);
    const wanted = row.subscriptions.filter(({ stopped }) => stopped === undefined);
    await this.#updateIncoming(wanted.filter(({ subscribe }) => subscribe));
    await this.#updatePushers(wanted.filter(({ publish }) => publish));
  }

  /** Remembers what the peer said, over our link or over its own. */
  heard(hello: Hello, by: 'our link' | 'their link'): void {
    const now = this.#options.now();
    if (!this.isAlive) {
      this.#sinceMs = now;
      this.#standstill.forget();
    }
    this.#hello = hello;
    this.#heardMs = now;
    this.#heardSteadyMs = this.#options.steadyMs();
    if (by === 'their link') this.#heardFromTheirsMs = this.#heardSteadyMs;
    for (const { subscriber, receiver } of this.#incoming.values())
      if (receiver.state.kind === 'waiting' || receiver.state.kind === 'subscribing') subscriber?.wake();
    for (const channel of hello.comparing ?? []) this.#pushers.get(channel)?.askNow();
    this.#lookForStandstill();
  }

  /** Just now the peer answered a greeting of ours; its wall clock is in the answer. */
  answered(sentSteadyMs: number, { clockMs }: Hello): void {
    this.#clockOffset.heard(sentSteadyMs, clockMs);
  }

  /** Something was committed here, or the link changed. */
  wake(): void {
    for (const pusher of this.#pushers.values()) pusher.wake();
  }

  linkChanged(): void {
    if (!this.#link?.isOpen) this.#clockOffset.reset();
    for (const { subscriber } of this.#incoming.values()) subscriber?.wake();
    this.wake();
  }

  /** Takes a push and says what to push next. */
  async push(request: ApplyRequest): Promise<ApplyResponse> {
    const incoming = this.#incoming.get(request.channel);
    if (!incoming) return { next: null, reason: `not subscribed to ${request.channel}` };
    // Over our own link we pull: nobody needs to push.
    if (this.#link?.isOpen) return { next: null, reason: 'pulling' };
    const { pushed } = incoming;
    if (pushed.isResting) return { next: null, reason: 'resting' };
    const turn = incoming.pushing.then(async () => {
      try {
        if (request.response) await pushed.accept(request.response);
        else {
          pushed.linkRenewed();
          pushed.restart();
        }
        return { next: (pushed.isBehind ? undefined : await pushed.verifier.next()) ?? pushed.next() };
      } catch (error) {
        pushed.fail(messageOf(error));
        throw error;
      }
    });
    incoming.pushing = turn.catch(() => undefined);
    return turn;
  }

  /** Compares a channel with the peer as soon as it is followed; false when nothing of it is taken from there. */
  verify(channel: string): boolean {
    const receiver = this.#receiverOf(channel);
    receiver?.verifier.request();
    return receiver !== undefined;
  }

  /** Channels that somebody asked for and that wait for the peer to ask what we want. */
  get comparing(): readonly string[] {
    return [...this.#incoming].filter(([, { pushed }]) => pushed.verifier.isRequested).map(([name]) => name);
  }

  /** The newest comparison of a channel with the peer. */
  verified(channel: string): VerificationResult | undefined {
    return this.#receiverOf(channel)?.verifier.last;
  }

  status(): PeerStatus {
    const link = this.#link?.state;
    const isOpen = this.isAlive;
    const hello = this.#hello;
    const status = isOpen
      ? 'open'
      : link?.kind === 'refused'
        ? 'refused'
        : link?.kind === 'idle'
          ? 'connecting'
          : 'closed';
    const reason = isOpen ? undefined : this.#silence();
    const usDialling = link?.kind === 'open';
    const clock = this.measuredClock ?? this.#toldClock;
    return {
      node: this.name,
      status,
      subscriptions: this.#row.subscriptions.map((subscription) =>
        subscriptionStatus(this.#factsOf(subscription, isOpen)),
      ),
      ...(reason === undefined ? {} : { reason }),
      ...(link?.kind === 'open' ? { latencyMs: link.latencyMs } : {}),
      ...(hello && hello.name !== this.name ? { calledName: hello.name } : {}),
      ...(clock ? { clock } : {}),
      ...(isOpen ? { connectedSinceMs: this.#sinceMs } : {}),
      ...(this.#heardMs > 0 ? { lastSeenMs: this.#heardMs } : {}),
      ...(isOpen ? { dialledBy: usDialling ? (this.isDialledByPeer ? 'both' : 'us') : 'them' } : {}),
      ...(hello
        ? {
            systemInfo: {
              hdb_version: hello.system.lyre,
              node_version: hello.system.node,
              platform: hello.system.platform,
            },
            ports: { clustering: hello.system.clusterPort, operations_api: hello.system.apiPort },
          }
        : {}),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // All at once: a link that is closed ends what the others ask over it.
    await Promise.all([
      ...[...this.#pushers.values()].map((pusher) => pusher[Symbol.asyncDispose]()),
      ...[...this.#incoming.values()].map(async ({ subscriber }) => subscriber?.[Symbol.asyncDispose]()),
      this.#link?.[Symbol.asyncDispose](),
    ]);
  }

  /** A peer that dials us is the one who can measure. */
  get #toldClock(): ClockReading | undefined {
    const told = this.isDialledByPeer ? this.#hello?.clockOffset : undefined;
    return told && { offsetMs: -told.offsetMs, uncertaintyMs: told.uncertaintyMs };
  }

  #silence(): string {
    const link = this.#link?.state;
    if (link?.kind === 'refused' || link?.kind === 'closed') return link.reason;
    if (this.#link) return 'connecting';
    return `no address of ${this.name} is known; waiting for it to connect`;
  }

  #factsOf(subscription: Subscription, isOpen: boolean): SubscriptionFacts {
    const { store, steadyMs } = this.#options;
    const channel = channelName(subscription.database, subscription.table);
    return {
      store,
      peer: this.name,
      subscription,
      peerStoreId: this.#hello?.storeId ?? this.#row.storeId,
      receiver: this.#receiverOf(channel),
      hello: this.#hello,
      silence: isOpen ? undefined : this.#silence(),
      stillMs: isOpen ? this.#standstill.lastedMs(channel, steadyMs()) : 0,
    };
  }

  /** A question that is lost is asked again by itself; a stream that brings nothing is left. */
  #lookForStandstill(): void {
    const nowMs = this.#options.steadyMs();
    const channels = this.#row.subscriptions.map((subscription) => {
      const channel = channelName(subscription.database, subscription.table);
      const facts = this.#factsOf(subscription, true);
      return { channel, place: fetchingPlace(facts), isBulk: facts.receiver?.bulk !== undefined };
    });
    this.#standstill.look(channels, nowMs);
    for (const [channel, { subscriber }] of this.#incoming)
      if (this.#standstill.lastedMs(channel, nowMs) >= stillLimitMs) subscriber?.askAgain();
  }

  async #updateLink(row: NodeRow): Promise<void> {
    const address = row.host === undefined ? '' : `${row.host}:${row.port}`;
    if (address === this.#address) return;
    await this.#link?.[Symbol.asyncDispose]();
    this.#address = address;
    this.#link = address === '' ? undefined : this.#options.makeLink();
    for (const [channel, incoming] of this.#incoming) {
      await incoming.subscriber?.[Symbol.asyncDispose]();
      this.#incoming.delete(channel);
    }
    for (const [channel, pusher] of this.#pushers) {
      await pusher[Symbol.asyncDispose]();
      this.#pushers.delete(channel);
    }
    this.#link?.start();
  }

  async #updateIncoming(subscriptions: readonly Subscription[]): Promise<void> {
    const wanted = new Map(
      subscriptions.map((subscription) => [
        channelName(subscription.database, subscription.table),
        subscription,
      ]),
    );
    // A new decision begins anew: its start time may differ, and the table may be another one since.
    const ended = [...this.#incoming].filter(
      ([
        channel,
        {
          decision: { version, startTimeMs },
        },
      ]) => {
        const now = wanted.get(channel);
        return now?.version !== version || now.startTimeMs !== startTimeMs;
      },
    );
    for (const [channel] of ended) this.#incoming.delete(channel);
    for (const [channel, subscription] of wanted)
      if (!this.#incoming.has(channel)) this.#incoming.set(channel, this.#startIncoming(subscription));
    // Only now: what it is applying may take a while, and parts in other channels wait for a channel that is followed.
    await Promise.all(ended.map(async ([, { subscriber }]) => subscriber?.[Symbol.asyncDispose]()));
    await this.#forgetEnded(new Set(wanted.keys()));
  }

  #startIncoming(subscription: Subscription): Incoming {
    const { makeLoop, log } = this.#options;
    const receiver = this.#makeReceiver(subscription);
    const link = this.#link;
    const subscriber = link && new Subscriber({ receiver, link, turns: this.#turnsToTake, makeLoop, log });
    subscriber?.start();
    return {
      decision: subscription,
      receiver,
      subscriber,
      pushed: this.#makeReceiver(subscription),
      pushing: Promise.resolve(),
    };
  }

  #priorityOf(channel: string): number {
    const found = this.#row.subscriptions.find(
      ({ database, table }) => channelName(database, table) === channel,
    );
    return found?.priority ?? defaultPriority;
  }

  #makeReceiver({ database, table: tableName }: Subscription): ChannelReceiver {
    const { store, otherSources, relayWaitMs, verifyIntervalMs, now, steadyMs, log } = this.#options;
    return new ChannelReceiver({
      store,
      peer: this.name,
      database,
      tableName,
      peerStoreId: () => this.#hello?.storeId ?? this.#row.storeId,
      sources: () => otherSources(database, tableName),
      relayWaitMs,
      verifyIntervalMs,
      gate: this.#gate,
      now,
      steadyMs,
      onApplied: ({ stop }) => {
        if (stop) log.info({ peer: this.name, database, table: tableName, stop: stop.kind }, 'batch stopped');
      },
    });
  }

  /** The receiver that is in use: our own when we dial, else the one that is pushed to. */
  #receiverOf(channel: string): ChannelReceiver | undefined {
    const incoming = this.#incoming.get(channel);
    return this.#link?.isOpen ? incoming?.receiver : incoming?.pushed;
  }

  /** Also while it subscribes again: only a channel that cannot go on by itself is not waited for. */
  #followed(channel: string): FollowedChannel | undefined {
    const receiver = this.#receiverOf(channel);
    const storeId = this.#hello?.storeId ?? this.#row.storeId;
    const table = receiver && this.#options.store.catalog.table(receiver.database, receiver.tableName);
    if (!table || storeId === undefined || this.#hello?.stopped?.includes(channel)) return undefined;
    if (receiver.state.kind === 'waiting' || receiver.state.kind === 'failed') return undefined;
    return { storeId, tableId: table.id };
  }

  /** Ending a subscription deletes its cursor: the next one copies. */
  async #forgetEnded(wanted: ReadonlySet<string>): Promise<void> {
    const { store } = this.#options;
    const storeId = this.#row.storeId;
    if (storeId === undefined) return;
    for (const { database, table: tableName, subscribe } of this.#row.subscriptions) {
      const table = store.catalog.table(database, tableName);
      if (subscribe || !table || wanted.has(channelName(database, tableName))) continue;
      if (store.cursors.get(storeId, table.id)) await store.putCursor(storeId, table, undefined);
    }
  }

  async #updatePushers(subscriptions: readonly Subscription[]): Promise<void> {
    const { server, makeLoop, steadyMs, log } = this.#options;
    const link = this.#link;
    const wanted = new Set(
      link ? subscriptions.map(({ database, table }) => channelName(database, table)) : [],
    );
    for (const [channel, pusher] of this.#pushers)
      if (!wanted.has(channel)) {
        this.#pushers.delete(channel);
        await pusher[Symbol.asyncDispose]();
      }
    if (!link) return;
    for (const channel of wanted) {
      if (this.#pushers.has(channel)) continue;
      const isPulling = (): boolean => this.#hello?.isDialling ?? false;
      const pusher = new Pusher({
        peer: this.name,
        channel,
        server,
        link,
        turns: this.#turnsToPush,
        isPulling,
        makeLoop,
        now: steadyMs,
        log,
      });
      this.#pushers.set(channel, pusher);
      pusher.start();
    }
  }

  /** Tells the peer that it has been removed here, if it can be told. */
  async farewell(greet: (link: L) => Promise<unknown>): Promise<void> {
    const link = this.#link;
    if (!link?.isOpen) return;
    try {
      await greet(link);
    } catch (error) {
      this.#options.log.info(
        { peer: this.name, reason: messageOf(error) },
        'peer could not be told of its removal',
      );
    }
  }
}
