import { channelName, encodeToken } from '../model/channel-name.ts';
import { CodedError } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import type { TransactionHeader } from '../model/transaction.ts';
import { encodeItems, framedBytes } from '../model/transaction-codec.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Loop, MakeLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import type {
  MessageHead,
  StreamLimits,
  StreamServer,
  StreamState,
  WritableStream,
} from '../stream/channel-stream.ts';
import { Consumers } from './consumers.ts';
import { encodedItems, needsBody, type EncodedItem } from './channel-items.ts';
import type { ChannelReaders } from './readers.ts';
import type { StreamPlace } from './stream-directory.ts';

export interface PublisherOptions {
  readonly store: Store;
  readonly database: string;
  readonly tableName: string;
  /** To the node's own nats-server; undefined while there is none. */
  readonly streams: () => StreamServer | undefined;
  /** Peers that this node publishes the channel to. */
  readonly readers: () => ChannelReaders;
  /** Where a stream that is begun anew begins, see {@link streamBeginning}; undefined is at the head. */
  readonly lowestCursor: () => number | undefined;
  readonly limits: StreamLimits;
  /** Target size of a message. */
  readonly maxMessageBytes: number;
  readonly makeLoop: MakeLoop;
  readonly log: Logger;
}

/** A stream that this publisher has checked and is the only one to write. */
interface Place {
  readonly stream: WritableStream;
  readonly table: Table;
  readonly storeId: string;
  /** First number that the stream holds; everything from here to `publishedSeq` is in it. */
  firstSeq: number;
  publishedSeq: number;
  nextSequence: number;
  /** Where in the stream what follows `publishedSeq` begins, or will: lower while a transaction is half out. */
  followingSequence: number;
}

/** A message is in the stream and is not what was put there. */
class UnreadableMessageError extends CodedError {
  override readonly name = 'UnreadableMessageError';

  constructor(channel: string, sequence: number) {
    super('stream_unavailable', `Message ${sequence} of ${channel} cannot be read`);
  }
}

/**
 * Of a stream since it was begun. Refused: the last message was not confirmed, over a connection that is still there.
 * Rotten: it cannot be read, or takes nothing more, and is begun anew.
 */
type StreamHealth = 'sound' | 'refused' | 'rotten';

/**
 * Copies a channel from the change log to its stream, in order: the single writer of that stream.
 *
 * It keeps no place of its own. On start, after a reconnect and at any surprise it reads what the stream
 * holds and compares that with the log: a stream that is not ours, has a hole, or says something that the
 * log does not is deleted and begun anew, since whatever it lost can be served from the log. A message takes
 * whatever has been committed while the last one was on its way.
 */
export class Publisher implements AsyncDisposable {
  readonly channel: string;
  readonly #options: PublisherOptions;
  readonly #loop: Loop;
  readonly #consumers = new Consumers();
  #place: Place | undefined;
  #health: StreamHealth = 'sound';
  #server: StreamServer | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.channel = channelName(options.database, options.tableName);
    this.#loop = options.makeLoop({
      name: `publisher of ${this.channel}`,
      body: () => this.#round(),
      idleMs: 1_000,
      backoff: { minMs: 100, maxMs: 2_000 },
      onError: () => (this.#place = undefined),
      log: options.log,
    });
  }

  /** There is something to publish. */
  get hasTable(): boolean {
    return this.#table !== undefined;
  }

  start(): void {
    this.#loop.start();
  }

  wake(): void {
    this.#loop.wake();
  }

  /** Something was committed here, and may be of this channel. */
  committed(): void {
    if (this.#hasNews) this.#loop.wake();
  }

  /** Reads the stream again before the next message. */
  reconcile(): void {
    this.#place = undefined;
    this.#loop.wake();
  }

  /** Whether the stream holds everything after `seq`. */
  covers(table: Table, seq: number): boolean {
    const place = this.#place;
    return place?.table.id === table.id && seq + 1 >= place.firstSeq && seq <= place.publishedSeq;
  }

  /** A consumer for a peer that begins after `seq`; undefined when the stream cannot serve that. */
  async provideConsumer(peer: string, table: Table, seq: number): Promise<StreamPlace | undefined> {
    const place = this.#place;
    if (!place || !this.covers(table, seq)) return undefined;
    const found = await firstMessageAfter(place, seq).catch((error: unknown) => this.#distrust(error));
    if (!found) return undefined;
    if (!found.head && seq < place.publishedSeq) {
      // Somebody changed the stream behind our back: the log serves until it is put right.
      this.reconcile();
      return undefined;
    }
    if (found.firstWhole !== undefined && found.firstWhole > seq + 1) {
      // The limits of the stream have trimmed it meanwhile: the log serves what is gone.
      place.firstSeq = found.firstWhole;
      return undefined;
    }
    const consumer = encodeToken(peer);
    // Its agreement may have ended while the place was sought, and whoever publishes does not know of this one yet.
    if (!this.#options.readers().names.has(consumer)) return undefined;
    await this.#consumers.provide(place.stream, consumer, found.sequence);
    return { stream: this.channel, consumer };
  }

  /**
   * The log serves until the stream has been looked at again. It is begun anew where a message cannot be read: a server
   * that is gone, or does not answer in time, says nothing of its streams.
   */
  #distrust(error: unknown): undefined {
    const isRotten = error instanceof UnreadableMessageError;
    if (isRotten) this.#health = 'rotten';
    this.#options.log[isRotten ? 'warn' : 'info'](
      { channel: this.channel, err: error },
      isRotten ? 'stream cannot be read' : 'stream could not be searched',
    );
    this.reconcile();
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  async #round(): Promise<boolean> {
    const { streams } = this.#options;
    const current = streams();
    const table = this.#table;
    if (!current || current.isClosed() || !table) {
      this.#place = undefined;
      return false;
    }
    if (current !== this.#server || !this.#isOfHere(this.#place, table)) this.#place = undefined;
    if (current !== this.#server) this.#forgive();
    this.#server = current;
    this.#place ??= await this.#reconcile(await current.open(this.channel), table);
    return this.#publishSome(this.#place);
  }

  get #table(): Table | undefined {
    const { store, database, tableName } = this.#options;
    const table = store.catalog.table(database, tableName);
    return table?.local ? undefined : table;
  }

  #isOfHere(place: Place | undefined, table: Table): place is Place {
    const { storeId } = this.#options.store.identity;
    return place?.table.incarnation === table.incarnation && place.storeId === storeId;
  }

  get #hasNews(): boolean {
    const { log } = this.#options.store;
    const table = this.#table;
    const place = this.#place;
    if (!table || !this.#isOfHere(place, table)) return table !== place;
    return log.head(table.id).headSeq > place.publishedSeq;
  }

  async #publishSome(place: Place): Promise<boolean> {
    const { store, maxMessageBytes, readers } = this.#options;
    if (store.log.head(place.table.id).trimmedSeq > place.publishedSeq) {
      // The log was trimmed before its end was published: whoever waits for that has to copy, and must hear of it.
      this.#place = undefined;
      return true;
    }
    const { all } = readers();
    const self = store.identity;
    const wantsBody = (header: TransactionHeader): boolean =>
      all.some((reader) => needsBody(header, self, reader));
    let batch: EncodedItem[] = [];
    let bytes = 0;
    for (const item of encodedItems(store, place.table, place.publishedSeq, wantsBody, maxMessageBytes)) {
      const previous = batch.at(-1);
      if (previous && bytes + framedBytes(item) > maxMessageBytes) {
        await this.#consumers.keepOnly(place.stream, () => readers().names);
        await this.#publish(place, batch);
        // The log was read through one snapshot; look again for the rest, unless a transaction is half out.
        if (!previous.isPartial) return true;
        batch = [];
        bytes = 0;
      }
      batch.push(item);
      bytes += framedBytes(item);
      if (previous?.isPartial && !item.isPartial) break;
    }
    // What was committed after the end of somebody's agreement goes to nobody who had a place by it.
    await this.#consumers.keepOnly(place.stream, () => readers().names);
    if (batch.length === 0) return false;
    await this.#publish(place, batch);
    return true;
  }

  async #publish(place: Place, batch: readonly EncodedItem[]): Promise<void> {
    const first = batch[0];
    const last = batch.at(-1);
    if (!first || !last) return;
    const head: MessageHead = {
      storeId: this.#options.store.identity.storeId,
      incarnation: place.table.incarnation,
      first: first.seq,
      last: last.seq,
      lastId: last.id,
      isPartial: last.isPartial,
    };
    await this.#append(place, head, encodeItems(batch));
    place.nextSequence += 1;
    if (last.isPartial) return;
    place.publishedSeq = last.seq;
    place.followingSequence = place.nextSequence;
  }

  /** After one write that failed for want of room, nats-server takes no more into a stream, whatever room there is later. */
  async #append({ stream, nextSequence }: Place, head: MessageHead, body: Uint8Array): Promise<void> {
    try {
      await stream.publish(head, body, nextSequence);
      this.#forgive();
    } catch (error) {
      this.#health = this.#health === 'sound' ? 'refused' : 'rotten';
      throw error;
    }
  }

  /** A stream that is rotten stays so until it is begun anew. */
  #forgive(): void {
    if (this.#health === 'refused') this.#health = 'sound';
  }

  /** The place to go on from, after making sure that the stream is a true copy of a stretch of the log. */
  async #reconcile(stream: WritableStream, table: Table): Promise<Place> {
    const { store, limits, lowestCursor, log } = this.#options;
    const identity = { storeId: store.identity.storeId, incarnation: table.incarnation };
    const { headSeq, trimmedSeq } = store.log.head(table.id);
    const state = await stream.state();
    const found =
      this.#health === 'rotten'
        ? 'it cannot be read, or written'
        : state && (await this.#foundPlace(stream, state, table));
    if (found && typeof found !== 'string') return found;
    if (state) {
      log[state.messages === 0 ? 'info' : 'warn'](
        { channel: this.channel, reason: found, messages: state.messages },
        'stream does not match the log, beginning anew',
      );
      await stream.remove();
    }
    await stream.create(identity, limits);
    this.#health = 'sound';
    const lowest = Math.min(Math.max(lowestCursor() ?? headSeq, trimmedSeq), headSeq);
    log.info({ channel: this.channel, after: lowest }, 'stream created');
    return {
      stream,
      table,
      storeId: identity.storeId,
      firstSeq: lowest + 1,
      publishedSeq: lowest,
      nextSequence: 1,
      followingSequence: 1,
    };
  }

  /** Where the stream can be continued, or why it cannot. */
  async #foundPlace(stream: WritableStream, state: StreamState, table: Table): Promise<Place | string> {
    const { store } = this.#options;
    const { storeId } = store.identity;
    if (state.identity?.storeId !== storeId || state.identity.incarnation !== table.incarnation)
      return 'another history';
    const { maxBytes, maxAgeMs } = this.#options.limits;
    if (state.limits.maxBytes !== maxBytes || state.limits.maxAgeMs !== maxAgeMs) return 'other limits';
    if (!state.isDense) return 'a hole';
    if (state.messages === 0) return 'empty';
    const first = await stream.headAt(state.firstSequence);
    let lastSequence = state.lastSequence;
    let last = await stream.headAt(lastSequence);
    if (!first || !last) return 'a message that cannot be read';
    if (
      first.first <= store.log.head(table.id).trimmedSeq &&
      store.log.idAt(table.id, first.first) === undefined
    )
      return 'older than the log';
    // A transaction that is not whole is sent again from its first piece.
    while (last.isPartial && last.first === last.last) {
      lastSequence -= 1;
      const before = lastSequence >= state.firstSequence ? await stream.headAt(lastSequence) : undefined;
      if (!before) return 'only a part of a transaction';
      last = before;
    }
    const isOurs = [first, last].every(
      (head) => head.storeId === storeId && head.incarnation === table.incarnation,
    );
    if (!isOurs) return 'messages of another history';
    const whole = last.isPartial ? last.last - 1 : last.last;
    if (!last.isPartial && store.log.idAt(table.id, whole) !== last.lastId)
      return 'a transaction that the log does not have';
    if (whole > store.log.head(table.id).headSeq) return 'ahead of the log';
    if (whole < store.log.head(table.id).trimmedSeq) return 'behind the log';
    return {
      stream,
      table,
      storeId,
      firstSeq: firstWhole(first, state.firstSequence, state.firstSequence),
      publishedSeq: whole,
      nextSequence: state.lastSequence + 1,
      // Pieces that are there already are sent again.
      followingSequence: state.lastSequence + 1,
    };
  }
}

/** The first number of a message that is surely whole: before the oldest message of a trimmed stream pieces of it may be gone. */
function firstWhole(head: MessageHead, sequence: number, firstSequence: number): number {
  return sequence === firstSequence && firstSequence > 1 ? head.first + 1 : head.first;
}

/**
 * The first message that holds a number after `seq`, or the place of the next one; by binary search over headers, which
 * takes whole messages, and without any for who has all that there is.
 *
 * @throws UnreadableMessageError
 */
async function firstMessageAfter(
  place: Place,
  seq: number,
): Promise<{
  readonly sequence: number;
  readonly head: MessageHead | undefined;
  readonly firstWhole?: number;
}> {
  const state = await place.stream.state();
  if (!state) throw new CodedError('stream_unavailable', `Stream ${place.stream.channel} is gone`);
  if (state.messages === 0) return { sequence: state.lastSequence + 1, head: undefined };
  const { followingSequence } = place;
  const isUntouched =
    state.lastSequence + 1 === place.nextSequence && state.firstSequence <= followingSequence;
  if (seq === place.publishedSeq && isUntouched) return { sequence: followingSequence, head: undefined };
  let low = state.firstSequence;
  let high = state.lastSequence + 1;
  let found: MessageHead | undefined;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const head = await place.stream.headAt(middle);
    if (!head) {
      // The limits of the stream may have trimmed it meanwhile.
      if (middle < ((await place.stream.state())?.firstSequence ?? 0)) return firstMessageAfter(place, seq);
      throw new UnreadableMessageError(place.stream.channel, middle);
    }
    if (head.last > seq) {
      high = middle;
      found = head;
    } else {
      low = middle + 1;
    }
  }
  if (!found) return { sequence: low, head: undefined };
  return { sequence: low, head: found, firstWhole: firstWhole(found, low, state.firstSequence) };
}
