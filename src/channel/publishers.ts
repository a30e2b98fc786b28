import { channelName, parseChannelName } from '../model/channel-name.ts';
import type { NodeRow } from '../model/node.ts';
import type { Table } from '../model/table.ts';
import type { Logger } from '../runtime/logger.ts';
import type { MakeLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import type { StreamLimits, StreamServer } from '../stream/channel-stream.ts';
import type { WireCursor } from './wire-fields.ts';
import { Publisher } from './publisher.ts';
import { Readers, type PublishedChannel } from './readers.ts';
import { streamBeginning } from './stream-beginning.ts';
import type { StreamDirectory, StreamPlace } from './stream-directory.ts';

export interface PublishersOptions {
  readonly store: Store;
  /** Of the node's own nats-server; undefined while there is none. */
  readonly streams: () => StreamServer | undefined;
  /** Peers that are not removed. */
  readonly rows: () => readonly NodeRow[];
  /** What the subscribers that are there now say they hold of a channel, of whichever history. */
  readonly toldCursors: (channel: string) => readonly WireCursor[];
  readonly limits: StreamLimits;
  readonly maxMessageBytes: number;
  readonly makeLoop: MakeLoop;
  readonly log: Logger;
}

/** After nats-server has not listed or removed a stream. */
const retryMs = 30_000;

/** One publisher for each channel that some subscription publishes, and no stream of any other channel. */
export class Publishers implements StreamDirectory, AsyncDisposable {
  readonly #options: PublishersOptions;
  readonly #readers: Readers;
  readonly #publishers = new Map<string, Publisher>();
  /** What they were made to fit. */
  #running: ReadonlyMap<string, PublishedChannel> | undefined;
  /** No stream of this server is of a channel that is not among these. */
  #tidied: { readonly server: StreamServer; readonly channels: ReadonlySet<string> } | undefined;
  #tidyAfterMs = -Infinity;

  constructor(options: PublishersOptions) {
    this.#options = options;
    const { store, rows } = options;
    this.#readers = new Readers({ rows, version: () => store.nodes.version });
  }

  /** Makes what runs fit the rows as they are now. */
  async update(): Promise<void> {
    this.#readers.refresh();
    const { channels } = this.#readers;
    if (channels !== this.#running) {
      for (const [channel, publisher] of this.#publishers)
        if (!channels.has(channel)) {
          this.#publishers.delete(channel);
          await publisher[Symbol.asyncDispose]();
        }
      for (const [channel, { database, table }] of channels)
        if (!this.#publishers.has(channel))
          this.#publishers.set(channel, this.#start(channel, database, table));
      this.#running = channels;
    }
    await this.#tidyNowAndThen();
  }

  wake(): void {
    for (const publisher of this.#publishers.values()) publisher.wake();
  }

  /** Something was committed in this store, by either process: wakes those whom it may concern. */
  committed(): void {
    // Nobody, or all have ended, and the store may be closed.
    if (this.#publishers.size === 0) return;
    // Who may read no more loses its place, whatever is written.
    if (!this.#readers.areCurrent) this.wake();
    else for (const publisher of this.#publishers.values()) publisher.committed();
  }

  /** Reads the stream of a channel again before the next message. */
  reconcile(channel: string): void {
    this.#publishers.get(channel)?.reconcile();
  }

  covers(table: Table, seq: number): boolean {
    return this.#of(table)?.covers(table, seq) ?? false;
  }

  async provideConsumer(peer: string, table: Table, seq: number): Promise<StreamPlace | undefined> {
    return this.#of(table)?.provideConsumer(peer, table, seq);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const publishers = [...this.#publishers.values()];
    this.#publishers.clear();
    await Promise.all(publishers.map((publisher) => publisher[Symbol.asyncDispose]()));
  }

  /** Peers are served without it. */
  async #tidyNowAndThen(): Promise<void> {
    if (performance.now() < this.#tidyAfterMs) return;
    try {
      await this.#tidy();
    } catch (error) {
      this.#tidyAfterMs = performance.now() + retryMs;
      this.#options.log.warn({ err: error }, 'streams that nothing needs cannot be removed now');
    }
  }

  /** Removes the streams that nothing needs: of subscriptions that ended, of dropped tables, and of an earlier run. */
  async #tidy(): Promise<void> {
    const { store, streams, log } = this.#options;
    const server = streams();
    if (!server) return;
    const channels = new Set(
      [...this.#publishers].flatMap(([name, { hasTable }]) => (hasTable ? [name] : [])),
    );
    const before = this.#tidied?.server === server ? [...this.#tidied.channels] : undefined;
    if (!before?.every((channel) => channels.has(channel))) {
      // What is kept for a peer whose row cannot be read stays, and nobody knows what that is.
      if (store.nodes.unreadable().length > 0) return;
      for (const channel of await server.list()) {
        if (channels.has(channel) || parseChannelName(channel) === undefined) continue;
        await (await server.open(channel)).remove();
        log.info({ channel }, 'stream removed');
      }
    }
    this.#tidied = { server, channels };
  }

  #of(table: Table): Publisher | undefined {
    return this.#publishers.get(channelName(table.database, table.name));
  }

  #start(channel: string, database: string, tableName: string): Publisher {
    const { store, streams, toldCursors, limits, maxMessageBytes, makeLoop, log } = this.#options;
    const publisher = new Publisher({
      store,
      database,
      tableName,
      streams,
      readers: () => this.#readers.of(channel),
      lowestCursor: () => {
        const table = store.catalog.table(database, tableName);
        return table && streamBeginning(store, table, toldCursors(channel), limits.maxBytes);
      },
      limits,
      maxMessageBytes,
      makeLoop,
      log,
    });
    publisher.start();
    return publisher;
  }
}
