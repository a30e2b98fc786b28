import { channelName, encodeToken } from '../model/channel-name.ts';
import type { Table } from '../model/table.ts';
import type { TransactionHeader } from '../model/transaction.ts';
import { encodeItems, framedBytes } from '../model/transaction-codec.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Loop, MakeLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import type { StreamLimits, StreamServer, WritableStream } from '../stream/channel-stream.ts';
import type { MessageHead } from '../stream/message-head.ts';
import { Consumers } from './consumers.ts';
import { encodedItems, needsBody, type EncodedItem } from './channel-items.ts';
import type { ChannelReaders } from './readers.ts';
import type { StreamPlace } from './stream-directory.ts';
import {
  findStretch,
  firstMessageAfter,
  UnreadableMessageError,
  type StreamStretch,
} from './stream-stretch.ts';

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
  #stretch: StreamStretch | undefined;
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
      onError: () => (this.#stretch = undefined),
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
    this.#stretch = undefined;
    this.#loop.wake();
  }

  /** Whether the stream holds everything after `seq`. */
  covers(table: Table, seq: number): boolean {
    const stretch = this.#stretch;
    return stretch?.table.id === table.id && seq + 1 >= stretch.firstSeq && seq <= stretch.publishedSeq;
  }

  /** A consumer for a peer that begins after `seq`; undefined when the stream cannot serve that. */
  async provideConsumer(peer: string, table: Table, seq: number): Promise<StreamPlace | undefined> {
    const stretch = this.#stretch;
    if (!stretch || !this.covers(table, seq)) return undefined;
    const found = await firstMessageAfter(stretch, seq).catch((error: unknown) => this.#distrust(error));
    if (!found) return undefined;
    if (!found.head && seq < stretch.publishedSeq) {
      // Somebody changed the stream behind our back: the log serves until it is put right.
      this.reconcile();
      return undefined;
    }
    if (found.firstWhole !== undefined && found.firstWhole > seq + 1) {
      // The limits of the stream have trimmed it meanwhile: the log serves what is gone.
      stretch.firstSeq = found.firstWhole;
      return undefined;
    }
    const consumer = encodeToken(peer);
    // Its agreement may have ended while the place was sought, and whoever publishes does not know of this one yet.
    if (!this.#options.readers().names.has(consumer)) return undefined;
    await this.#consumers.provide(stretch.stream, consumer, found.sequence);
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
      this.#stretch = undefined;
      return false;
    }
    if (current !== this.#server || !this.#isOfHere(this.#stretch, table)) this.#stretch = undefined;
    if (current !== this.#server) this.#forgive();
    this.#server = current;
    this.#stretch ??= await this.#reconcile(await current.open(this.channel), table);
    return this.#publishSome(this.#stretch);
  }

  get #table(): Table | undefined {
    const { store, database, tableName } = this.#options;
    const table = store.catalog.table(database, tableName);
    return table?.local ? undefined : table;
  }

  #isOfHere(stretch: StreamStretch | undefined, table: Table): stretch is StreamStretch {
    const { storeId } = this.#options.store.identity;
    return stretch?.table.incarnation === table.incarnation && stretch.storeId === storeId;
  }

  get #hasNews(): boolean {
    const { log } = this.#options.store;
    const table = this.#table;
    const stretch = this.#stretch;
    if (!table || !this.#isOfHere(stretch, table)) return table !== undefined || stretch !== undefined;
    return log.head(table.id).headSeq > stretch.publishedSeq;
  }

  async #publishSome(stretch: StreamStretch): Promise<boolean> {
    const { store, maxMessageBytes, readers } = this.#options;
    if (store.log.head(stretch.table.id).trimmedSeq > stretch.publishedSeq) {
      // The log was trimmed before its end was published: whoever waits for that has to copy, and must hear of it.
      this.#stretch = undefined;
      return true;
    }
    const { all } = readers();
    const self = store.identity;
    const wantsBody = (header: TransactionHeader): boolean =>
      all.some((reader) => needsBody(header, self, reader));
    let batch: EncodedItem[] = [];
    let bytes = 0;
    for (const item of encodedItems(store, stretch.table, stretch.publishedSeq, wantsBody, maxMessageBytes)) {
      const previous = batch.at(-1);
      if (previous && bytes + framedBytes(item) > maxMessageBytes) {
        await this.#consumers.keepOnly(stretch.stream, () => readers().names);
        await this.#publish(stretch, batch);
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
    await this.#consumers.keepOnly(stretch.stream, () => readers().names);
    if (batch.length === 0) return false;
    await this.#publish(stretch, batch);
    return true;
  }

  async #publish(stretch: StreamStretch, batch: readonly EncodedItem[]): Promise<void> {
    const first = batch[0];
    const last = batch.at(-1);
    if (!first || !last) return;
    const head: MessageHead = {
      storeId: this.#options.store.identity.storeId,
      incarnation: stretch.table.incarnation,
      first: first.seq,
      last: last.seq,
      lastId: last.id,
      isPartial: last.isPartial,
    };
    await this.#append(stretch, head, encodeItems(batch));
    stretch.nextSequence += 1;
    if (last.isPartial) return;
    stretch.publishedSeq = last.seq;
    stretch.followingSequence = stretch.nextSequence;
  }

  /** After one write that failed for want of room, nats-server takes no more into a stream, whatever room there is later. */
  async #append({ stream, nextSequence }: StreamStretch, head: MessageHead, body: Uint8Array): Promise<void> {
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

  /** What to go on behind, after making sure that the stream is a true copy of a stretch of the log. */
  async #reconcile(stream: WritableStream, table: Table): Promise<StreamStretch> {
    const { store, limits, lowestCursor, log } = this.#options;
    const identity = { storeId: store.identity.storeId, incarnation: table.incarnation };
    const { headSeq, trimmedSeq } = store.log.head(table.id);
    const state = await stream.state();
    const found =
      this.#health === 'rotten'
        ? 'it cannot be read, or written'
        : state && (await findStretch(stream, state, { store, table, limits }));
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
}
