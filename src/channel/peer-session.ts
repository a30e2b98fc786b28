import { channelName } from '../model/channel-name.ts';
import type { ClockReading } from '../model/clock-reading.ts';
import { messageOf } from '../model/errors.ts';
import type { NodeRow, Subscription } from '../model/node.ts';
import { defaultPriority } from '../model/subscription.ts';
import type { PeerStatus } from '../model/replication-control.ts';
import type { ChannelServer } from './channel-server.ts';
import { ClockOffset } from './clock-offset.ts';
import { GreetingExchange } from './greeting-exchange.ts';
import { IncomingChannels, type IncomingChannelsOptions } from './incoming-channels.ts';
import type { PeerLink } from './peer-link.ts';
import { peerStatus, silenceOf } from './peer-status.ts';
import { ProofOfLife } from './proof-of-life.ts';
import type { Hello } from './hello.ts';
import type { ApplyRequest, ApplyResponse } from './protocol.ts';
import { Pushers } from './pushers.ts';
import { Slots } from './slots.ts';
import { Standstill } from './standstill.ts';
import {
  fetchingPlace,
  stillLimitMs,
  subscriptionStatus,
  type SubscriptionFacts,
} from './subscription-status.ts';
import { Turns } from './turns.ts';
import type { VerificationResult } from './verification.ts';

/** A few answers of the largest size. */
const maxHeldBytes = 4 << 20;
/** Channels that begin at a time, in each direction. */
const beginAtOnce = 8;

/** What a session finds out by itself for what it takes from the peer. */
type Found = 'peer' | 'link' | 'turns' | 'beginning' | 'peerStoreId' | 'isStoppedThere';

export interface PeerSessionOptions<L extends PeerLink> extends Omit<IncomingChannelsOptions, Found> {
  readonly name: string;
  /** Makes our own link to the peer; used once an address is known. */
  readonly makeLink: () => L;
  /** Answers the pushes' questions from the log. */
  readonly server: ChannelServer;
}

/** Everything that runs for one peer: the link, what is taken from the peer, and what may have to be brought to it. */
export class PeerSession<L extends PeerLink = PeerLink> implements AsyncDisposable {
  readonly name: string;
  readonly greetings = new GreetingExchange();
  readonly #options: PeerSessionOptions<L>;
  readonly #life: ProofOfLife;
  readonly #clockOffset: ClockOffset;
  readonly #incoming: IncomingChannels;
  readonly #pushers: Pushers;
  readonly #standstill = new Standstill();
  /** Requests to the peer that it has not answered, by channel. */
  readonly #compare = new Map<string, number>();
  #link: L | undefined;
  #address = '';
  #row: NodeRow;
  /** Of the row, by channel: asked for of every channel that waits, whenever one has had its turn. */
  #priorities: ReadonlyMap<string, number>;

  constructor(options: PeerSessionOptions<L>, row: NodeRow) {
    this.#options = options;
    this.name = options.name;
    this.#row = row;
    this.#priorities = prioritiesOf(row);
    this.#life = new ProofOfLife(options);
    this.#clockOffset = new ClockOffset(options);
    const priorityOf = (channel: string): number => this.#priorities.get(channel) ?? defaultPriority;
    const turns = { priorityOf, maxHeldBytes };
    this.#incoming = new IncomingChannels({
      ...options,
      peer: this.name,
      link: () => this.#link,
      turns: new Turns(turns),
      beginning: new Slots(beginAtOnce),
      peerStoreId: () => this.#storeId,
      isStoppedThere: (channel) => this.hello?.stopped?.includes(channel) ?? false,
    });
    this.#pushers = new Pushers({
      ...options,
      peer: this.name,
      link: () => this.#link,
      turns: new Turns(turns),
      beginning: new Slots(beginAtOnce),
      isPulling: () => this.hello?.isDialling ?? false,
    });
  }

  get link(): L | undefined {
    return this.#link;
  }

  get isAlive(): boolean {
    return this.#life.isAlive;
  }

  /** The peer has a live connection of its own to us. */
  get isDialledByPeer(): boolean {
    return this.#life.isDialledByPeer;
  }

  get hello(): Hello | undefined {
    return this.#life.hello;
  }

  /** The peer's clock as our own link shows it. */
  get measuredClock(): ClockReading | undefined {
    return this.#link?.isOpen ? this.#clockOffset.reading : undefined;
  }

  /** Makes what runs fit the row: the link, receivers and pushers. */
  async update(row: NodeRow): Promise<void> {
    if (row !== this.#row) this.#priorities = prioritiesOf(row);
    this.#row = row;
    await this.#updateLink(row);
    await this.#incoming.update(row);
    const published = row.subscriptions.filter(({ publish, stopped }) => publish && stopped === undefined);
    await this.#pushers.update(published.map(({ database, table }) => channelName(database, table)));
  }

  /** Remembers what the peer said, over our link or over its own. */
  heard(hello: Hello, by: 'our link' | 'their link'): void {
    if (!this.isAlive) this.#standstill.forget();
    this.#life.heard(hello, by);
    this.#incoming.heard();
    this.#incoming.compare(hello.compare ?? {});
    for (const [channel, request] of this.#compare)
      if ((hello.verified[channel]?.request ?? 0) >= request) this.#compare.delete(channel);
    this.#pushers.askNow(hello.asking ?? []);
    this.#lookForStandstill();
  }

  /** Just now the peer answered a greeting of ours; its wall clock is in the answer. */
  answered(sentSteadyMs: number, { clockMs }: Hello): void {
    this.#clockOffset.heard(sentSteadyMs, clockMs);
  }

  /** Something was committed here, or the link changed. */
  wake(): void {
    this.#pushers.wake();
  }

  linkChanged(): void {
    if (!this.#link?.isOpen) this.#clockOffset.reset();
    this.#incoming.linkChanged();
    this.wake();
  }

  /** Takes a push and says what to push next. */
  async push(request: ApplyRequest): Promise<ApplyResponse> {
    return this.#incoming.push(request);
  }

  /** Compares a channel with the peer as soon as it is followed; undefined when nothing of it is taken from there. */
  verify(channel: string): Promise<VerificationResult> | undefined {
    return this.#incoming.receiver(channel)?.verifier.request();
  }

  /** Has the peer compare a channel of ours; the number from which on what it tells answers that. */
  askToCompare(channel: string): number {
    const told = this.hello?.verified[channel]?.request ?? 0;
    const request = Math.max(this.#options.now(), told + 1, (this.#compare.get(channel) ?? 0) + 1);
    this.#compare.set(channel, request);
    return request;
  }

  /** What the peer was asked to compare, and has not answered. */
  get compare(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#compare);
  }

  /** Channels of the peer of which we want to know something else than we said last. */
  get asking(): readonly string[] {
    return this.#incoming.asking;
  }

  /** Channels of the peer that cannot be taken, and why. */
  get failures(): Readonly<Record<string, string>> {
    const channels = this.#row.subscriptions.map(({ database, table }) => channelName(database, table));
    return Object.fromEntries(
      channels.flatMap((channel): [string, string][] => {
        const state = this.#incoming.receiver(channel)?.state;
        if (state?.kind === 'quarantine-full') return [[channel, state.reason]];
        return state?.kind === 'failed'
          ? [[channel, state.isBug === true ? 'internal error' : state.reason]]
          : [];
      }),
    );
  }

  /** The newest comparison of a channel with the peer. */
  verified(channel: string): VerificationResult | undefined {
    return this.#incoming.receiver(channel)?.verifier.last;
  }

  status(): PeerStatus {
    const { isAlive } = this;
    return peerStatus({
      name: this.name,
      isAlive,
      life: this.#life,
      link: this.#link?.state,
      clock: this.measuredClock ?? this.#life.toldClock,
      subscriptions: this.#row.subscriptions.map((subscription) =>
        subscriptionStatus(this.#factsOf(subscription, isAlive)),
      ),
    });
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

  async [Symbol.asyncDispose](): Promise<void> {
    // All at once: a link that is closed ends what the others ask over it.
    await Promise.all([
      this.#pushers[Symbol.asyncDispose](),
      this.#incoming[Symbol.asyncDispose](),
      this.#link?.[Symbol.asyncDispose](),
    ]);
  }

  get #storeId(): string | undefined {
    return this.hello?.storeId ?? this.#row.storeId;
  }

  #factsOf(subscription: Subscription, isAlive: boolean): SubscriptionFacts {
    const { store, steadyMs } = this.#options;
    const channel = channelName(subscription.database, subscription.table);
    return {
      store,
      peer: this.name,
      subscription,
      peerStoreId: this.#storeId,
      receiver: this.#incoming.receiver(channel),
      hello: this.hello,
      heardAgoMs: this.#life.heardAgoMs,
      silence: isAlive ? undefined : silenceOf(this.name, this.#link?.state),
      stillMs: isAlive ? this.#standstill.lastedMs(channel, steadyMs()) : 0,
    };
  }

  #lookForStandstill(): void {
    const nowMs = this.#options.steadyMs();
    const channels = this.#row.subscriptions.map((subscription) => {
      const channel = channelName(subscription.database, subscription.table);
      const facts = this.#factsOf(subscription, true);
      return { channel, place: fetchingPlace(facts), isBulk: facts.receiver?.bulk !== undefined };
    });
    this.#standstill.look(channels, nowMs);
    this.#incoming.askAgain((channel) => this.#standstill.lastedMs(channel, nowMs) >= stillLimitMs);
  }

  async #updateLink(row: NodeRow): Promise<void> {
    const address = row.host === undefined ? '' : `${row.host}:${row.port}`;
    if (address === this.#address) return;
    await this.#link?.[Symbol.asyncDispose]();
    this.#address = address;
    this.#link = address === '' ? undefined : this.#options.makeLink();
    await this.#incoming.end();
    await this.#pushers.end();
    this.#link?.start();
  }
}

function prioritiesOf({ subscriptions }: NodeRow): ReadonlyMap<string, number> {
  return new Map(
    subscriptions.flatMap(({ database, table, priority }): [string, number][] =>
      priority === undefined ? [] : [[channelName(database, table), priority]],
    ),
  );
}
