import { channelName } from '../model/channel-name.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import { decodeChanges, openFrame } from '../model/transaction-codec.ts';
import type { ApplyResult, Stop } from '../store/applier.ts';
import { hasLeftOut, type Cursor } from '../store/cursors.ts';
import type { Source } from '../store/source.ts';
import type { Store } from '../store/store.ts';
import { AgreedChannel } from './agreed-channel.ts';
import { AwaitedBody } from './awaited-body.ts';
import { Beginning } from './beginning.ts';
import type { PartGate } from './part-gate.ts';
import type { Later } from '../runtime/later.ts';
import { carriedBytes, isOfComparison, type ChannelRequest, type ChannelResponse } from './protocol.ts';
import { Questions } from './questions.ts';
import type { Arrived, ReceiverState } from './receiver-state.ts';
import { Rest } from './rest.ts';
import { RowsInParts } from './rows-in-parts.ts';
import type { StreamPlace } from './stream-directory.ts';
import type { Bulk } from './turns.ts';
import type { Verifier } from './verifier.ts';

export interface ChannelReceiverOptions {
  readonly store: Store;
  readonly peer: string;
  readonly database: string;
  readonly tableName: string;
  /** Store id of the peer, as it last said. */
  readonly peerStoreId: () => string | undefined;
  /** Other nodes whose own channel of this table we follow over a live link. */
  readonly sources: () => readonly string[];
  readonly relayWaitMs: number;
  readonly now: () => number;
  /** Ms of a clock that nobody sets: what waits must not wait for an hour because the wall clock went back. */
  readonly steadyMs: () => number;
  readonly later?: Later;
  /** Where parts of transactions over several channels of this peer meet. */
  readonly gate: PartGate;
  /** Compares the channel, also for the other receiver of it. */
  readonly verifier: Verifier;
  /** Something of the peer's was applied. */
  readonly onApplied: (result: ApplyResult) => void;
}

const quarantineFull = {
  kind: 'quarantine-full',
  reason: 'the quarantine is full: retry or skip what is in system.hdb_quarantine',
} as const;

/**
 * The subscriber's half of one channel of one peer: says what to ask next and applies what comes.
 *
 * It keeps nothing that a crash may not take: the place is the cursor in the store, written in the commit
 * that applies the data. How the questions travel is not its business: a subscriber sends them over its own
 * link, and the pusher of a peer that dialled us carries them the other way.
 */
export class ChannelReceiver {
  readonly channel: string;
  readonly database: string;
  readonly tableName: string;
  readonly verifier: Verifier;
  readonly #agreed: AgreedChannel;
  readonly #questions: Questions;
  readonly #beginning: Beginning;
  readonly #rest: Rest;
  readonly #awaitedBody: AwaitedBody;
  readonly #pageParts: RowsInParts;
  readonly #options: ChannelReceiverOptions;
  #state: ReceiverState = { kind: 'subscribing' };
  #pieces = 0;
  #isBehind = false;
  #hasBacklog = false;
  #needsBodies = false;
  #askedAtMs = 0;
  #answers = 0;
  /** The stream did not bring what comes next. */
  #isStreamTorn = false;

  constructor(options: ChannelReceiverOptions) {
    this.#options = options;
    this.#agreed = new AgreedChannel(options);
    this.#pageParts = new RowsInParts(options.store.maxItemBytes);
    this.database = options.database;
    this.tableName = options.tableName;
    this.channel = channelName(options.database, options.tableName);
    this.#questions = new Questions({ ...options, channel: this.channel });
    this.#rest = new Rest(options);
    this.#awaitedBody = new AwaitedBody(options);
    this.#beginning = new Beginning({ ...options, agreed: this.#agreed, questions: this.#questions });
    this.verifier = options.verifier;
  }

  get state(): ReceiverState {
    return this.#state;
  }

  /** More is known to be there: ask again at once. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** What is known to wait at the publisher; undefined when that is nothing, or not known. */
  get bulk(): Bulk | undefined {
    const { kind } = this.#state;
    if (kind === 'copying') return 'copy';
    return this.#hasBacklog && (kind === 'following' || kind === 'awaiting-body') ? 'catch-up' : undefined;
  }

  /** Answers so far that brought what no cursor shows: pieces of a transaction, parts of a page and of a comparison. */
  get answers(): number {
    return this.#answers;
  }

  /** The stream has brought nothing for a while: whatever the publisher said, nothing waits in it. */
  quiet(): void {
    this.#hasBacklog = false;
  }

  /** The stream does not bring what there is: the next subscription goes on with the log. */
  distrustStream(): void {
    this.#isStreamTorn = true;
  }

  /** Begins again from the cursor, after any doubt. */
  restart(): void {
    this.#state = { kind: 'subscribing' };
    this.#pieces = 0;
  }

  /** Something went wrong that trying at once will not mend: status says what until the next try. */
  fail(error: unknown): void {
    this.#questions.budget.lost();
    this.#restWith({ kind: 'failed', reason: messageOf(error), isBug: !(error instanceof CodedError) });
  }

  /** What is asked from now on goes over another connection. */
  linkRenewed(): void {
    this.#questions.budget.renewed();
  }

  /** A question was lost: perhaps the answer was too much for the link. */
  unanswered(): void {
    this.#questions.budget.lost();
  }

  /** False while a failure is fresh, or there is no room for what would come: nothing is asked for now. */
  mayAsk(): boolean {
    return this.#rest.isOver() && this.#options.store.shortage === undefined;
  }

  /** What to ask the publisher now. */
  next(): ChannelRequest {
    this.#askedAtMs = this.#options.steadyMs();
    return this.#onward() ?? this.#beginning.question(this.#isStreamTorn);
  }

  /** What to ask the publisher for a comparison with it; undefined when none is due, or none can go on now. */
  async nextComparison(): Promise<ChannelRequest | undefined> {
    const request = await this.verifier.next(this, this.#followed);
    const isBounded = request?.kind === 'rows' || request?.kind === 'list';
    return isBounded ? { ...request, maxBytes: this.#questions.budget.bytes } : request;
  }

  /** It wants to compare what it follows. */
  get isComparisonDue(): boolean {
    return this.verifier.isDue(this.#followed);
  }

  get #followed(): Source | undefined {
    const { kind } = this.#state;
    return kind === 'following' || kind === 'awaiting-body' ? this.#state.source : undefined;
  }

  /** What goes on with what is under way; undefined where it has to begin. */
  #onward(): ChannelRequest | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'subscribing':
      case 'waiting':
      case 'failed':
      case 'quarantine-full':
        return undefined;
      case 'copying': {
        const cursor = this.#cursorOf(state.source);
        if (!cursor?.copy) return undefined;
        const after = cursor.copy.afterKey ?? null;
        return this.#questions.copy(state.source, state.copyId, cursor, after, this.#pageParts.next);
      }
      case 'following':
      case 'awaiting-body': {
        const cursor = this.#cursorOf(state.source);
        // What was being applied while the agreement changed may have left something out since.
        if (!cursor || hasLeftOut(cursor, () => this.#agreed.newerThan)) return undefined;
        const bodies =
          this.#needsBodies || (state.kind === 'awaiting-body' && this.#awaitedBody.isOverdue(state));
        return this.#questions.pull(state.source, cursor, { bodies, pieces: this.#pieces });
      }
    }
  }

  /**
   * Waits a moment for the body that the next transaction came without, and goes on with what had come behind it; false,
   * at once, where none is awaited.
   */
  async untilBody(signal?: AbortSignal): Promise<boolean> {
    if (this.#state.kind !== 'awaiting-body') return false;
    const moment = this.#awaitedBody.aMoment(() => this.#state, signal);
    for (let here = await moment.next(); here; here = await moment.next())
      await this.#apply(here.behind, here.source, undefined);
    return true;
  }

  /** What to ask while an answer is applied: where nothing goes wrong with it, {@link next} will be the same. */
  ahead(response: ChannelResponse): ChannelRequest | undefined {
    const state = this.#state;
    if (state.kind === 'copying' && response.kind === 'page') {
      const cursor = this.#cursorOf(state.source);
      const isWhole = response.part === undefined && response.marks === undefined;
      const isFollowed = isWhole && !response.isLast && response.copyId === state.copyId;
      return isFollowed && cursor?.copy
        ? this.#questions.copy(state.source, state.copyId, cursor, response.lastKey)
        : undefined;
    }
    if (state.kind === 'following' && !state.stream && response.kind === 'items') {
      const last = response.items.at(-1);
      const isFollowed = last && last.seq < response.head.seq && openFrame(last).kind !== 'piece';
      return isFollowed ? this.#questions.pull(state.source, last, { bodies: false, pieces: 0 }) : undefined;
    }
    return undefined;
  }

  /** Applies an answer; when this resolves, what it brought and the cursor are on disk. */
  async accept(response: ChannelResponse): Promise<void> {
    // Asked for while nothing was known to be there.
    const hasWaited = !this.#isBehind;
    if (!isOfComparison(response)) this.#isBehind = false;
    switch (response.kind) {
      case 'waiting':
        this.#state = { kind: 'waiting', reason: response.reason };
        return;
      case 'refused':
        this.#restWith({ kind: 'failed', reason: response.reason });
        return;
      case 'diverged':
        this.#subscribeAgain();
        return;
      case 'begin':
        this.#questions.budget.met(this.#options.steadyMs() - this.#askedAtMs);
        await this.#begin(response);
        return;
      case 'items':
        if (this.#state.kind === 'following' && !this.#state.stream) this.#answered(response, hasWaited);
        await this.#items(response);
        return;
      case 'page':
        this.#answered(response, hasWaited);
        await this.#page(response);
        return;
      case 'digest':
      case 'list':
      case 'rows':
        this.#answers += 1;
        await this.verifier.accept(this, response);
        return;
    }
  }

  #answered(response: ChannelResponse, hasWaited: boolean): void {
    this.#questions.budget.answered(
      this.#options.steadyMs() - this.#askedAtMs,
      carriedBytes(response),
      hasWaited,
    );
  }

  async #begin(response: Extract<ChannelResponse, { kind: 'begin' }>): Promise<void> {
    const { state, hasBacklog } = await this.#beginning.answered(response);
    this.#state = state;
    if (state.kind === 'failed') this.#restWith(state);
    if (state.kind === 'failed' || state.kind === 'waiting') return;
    this.#isStreamTorn = false;
    this.#pieces = 0;
    this.#isBehind = true;
    this.#hasBacklog = hasBacklog;
  }

  async #items(response: Extract<ChannelResponse, { kind: 'items' }>): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'following' && state.kind !== 'awaiting-body') return;
    const { source } = state;
    const { storeId, incarnation } = response.identity;
    if (storeId !== source.storeId || incarnation !== source.incarnation) {
      this.#subscribeAgain();
      return;
    }
    const items = response.items.map((frame) => openFrame(frame));
    await this.#apply({ ...response, items }, source, state.kind === 'following' ? state.stream : undefined);
  }

  async #apply(arrived: Arrived, source: Source, stream: StreamPlace | undefined): Promise<void> {
    const { items, head, hasStream } = arrived;
    const result = await this.#options.gate.apply(this.channel, source, items);
    if (!result) {
      // A part of the next transaction has not come yet: what is queued behind it comes again.
      this.#pieces = 0;
      this.#state = { kind: 'following', source, stream: undefined };
      this.#isBehind = true;
      this.#hasBacklog = true;
      return;
    }
    const last = items.at(-1);
    const seq = result.cursor?.seq ?? 0;
    this.#pieces = last?.kind === 'piece' && last.seq > seq ? last.index + 1 : 0;
    if (this.#pieces > 0) this.#answers += 1;
    this.#options.onApplied(result);
    if (result.transactions > 0) this.#rest.foundRoom();
    // The rest of a body must come the same way.
    this.#needsBodies = this.#pieces > 0;
    if (result.stop) {
      const behind = { items: items.filter((item) => item.seq > seq), head, hasStream };
      await this.#stopped(result.stop, source, stream, behind);
      return;
    }
    this.#isBehind = this.#pieces > 0 || seq < head.seq;
    this.#hasBacklog = this.#isBehind;
    // Everything the log had; from here on the stream brings it. Or an agreement from before has left something out.
    const hasLost = hasLeftOut(result.cursor, () => this.#agreed.newerThan);
    if ((hasStream && !this.#isBehind) || hasLost) this.#subscribeAgain();
    else this.#state = { kind: 'following', source, stream };
  }

  /** Not everything that came was applied. */
  async #stopped(
    stop: Stop,
    source: Source,
    stream: StreamPlace | undefined,
    behind: Arrived,
  ): Promise<void> {
    switch (stop.kind) {
      case 'gap':
        this.#isStreamTorn = stream !== undefined;
        this.#subscribeAgain();
        return;
      case 'no-cursor':
      case 'assembled':
        this.#subscribeAgain();
        return;
      case 'stub':
        this.#awaitBody(source, stop, behind);
        return;
      case 'quarantine-full':
        this.#restWithoutRoom(source);
        return;
      case 'lost-own':
        // An older backup was put back, or a clone wrote: from here on that history is another store's.
        if (await this.#options.store.redrawIdentity()) this.#subscribeAgain();
        else this.fail(notOurs(this.#options));
        return;
    }
  }

  #awaitBody(source: Source, stop: Extract<Stop, { kind: 'stub' }>, behind: Arrived): void {
    const state = this.#awaitedBody.expect(this.#state, source, stop, behind);
    this.#state = state;
    this.#needsBodies = this.#awaitedBody.isOverdue(state);
    this.#isBehind = this.#needsBodies;
  }

  async #page(response: Extract<ChannelResponse, { kind: 'page' }>): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'copying' || state.copyId !== response.copyId) return;
    const rows = this.#pageParts.join(response.rows, response.part);
    if (!rows) {
      this.#answers += 1;
      this.#isBehind = true;
      return;
    }
    const result = await this.#options.store.applyCopy(state.source, {
      copyId: response.copyId,
      noted: response.noted,
      marks: response.marks,
      deletedBefore: response.deletedBefore ?? 0,
      total: response.total,
      rows: decodeChanges(rows),
      block: rows,
      lastKey: response.lastKey ?? undefined,
      isLast: response.isLast,
    });
    this.#options.onApplied(result);
    if (result.transactions > 0) this.#rest.foundRoom();
    if (result.stop?.kind === 'quarantine-full') {
      this.#restWithoutRoom(state.source);
      return;
    }
    this.#isBehind = true;
    if (result.stop) this.restart();
    else if (response.isLast) {
      this.#state = { kind: 'following', source: state.source, stream: undefined };
      // What was written since it began.
      this.#hasBacklog = true;
    }
  }

  /** From the cursor, and at once. */
  #subscribeAgain(): void {
    this.restart();
    this.#isBehind = true;
  }

  /** Status says why; it is asked for again now and then, also by a peer that pushes. */
  #restWith(state: Extract<ReceiverState, { kind: 'failed' }>): void {
    this.#state = state;
    this.#rest.begin();
  }

  #restWithoutRoom({ peer }: Source): void {
    this.#state = quarantineFull;
    this.#rest.beginWithoutRoom(peer);
  }

  #cursorOf({ storeId, table }: Source): Cursor | undefined {
    return this.#options.store.cursors.get(storeId, table.id);
  }
}

function notOurs({ peer, store }: ChannelReceiverOptions): string {
  return `${peer} has transactions that name the store of ${store.nodeName}, which never made them: where a copy of ${store.nodeName} runs, end it; then start ${store.nodeName} again`;
}
