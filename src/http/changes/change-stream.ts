import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CodedError } from '../../model/errors.ts';
import type { RareLines } from '../../runtime/rare-lines.ts';
import type { Table } from '../../model/table.ts';
import { controlEvent, type ControlEvent, type ReadableTable } from './change-event.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { ChangePlace } from './change-place.ts';

export interface ChangeTimes {
  /** A comment is sent after so long a silence, for proxies and for clients that watch. */
  readonly heartbeatMs: number;
  /** From one look at the rights of the user to the next. */
  readonly recheckMs: number;
  /** A client that takes nothing for so long is dropped. */
  readonly slowMs: number;
}

export const defaultChangeTimes: ChangeTimes = { heartbeatMs: 15_000, recheckMs: 5_000, slowMs: 30_000 };

interface ChangeStreamOptions {
  readonly response: ServerResponse;
  readonly feed: ChangeFeed;
  /** Of listeners that took nothing for too long, by table. */
  readonly slow: RareLines;
  readonly changeTimes: ChangeTimes;
  readonly readable: ReadableTable;
  /** The table, if the user may still read it, as they may read it now. @throws CodedError */
  readonly readTable: () => Promise<ReadableTable>;
  /** Undefined: from now on. */
  readonly from: ChangePlace | undefined;
}

/** How long a client that was dropped may take to read why. */
const farewellMs = 5_000;

/** The changes of one table on their way to one client; what waits for it in memory is one piece of the feed. */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #gone = new AbortController();
  #readable: ReadableTable;
  #place: ChangePlace;
  #writtenAtMs = 0;

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
    this.#readable = options.readable;
    this.#place = options.from ?? options.feed.head(this.#table);
    options.response.once('close', () => this.#gone.abort());
  }

  get #table(): Table {
    return this.#readable.table;
  }

  /** Resolves when the client is gone or was sent away. */
  async run(): Promise<void> {
    const { response } = this.#options;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    try {
      await this.#tell();
      if (this.#options.feed.closing.aborted) await this.#end('end', 'The node is stopping: connect again');
    } catch (error) {
      if (!(error instanceof CodedError)) {
        response.destroy();
        throw error;
      }
      const isSlow = error instanceof SlowReaderError;
      if (isSlow) this.#options.slow.write(this.#table.name);
      await this.#end(isSlow ? 'slow' : 'end', error.message);
    }
  }

  async #tell(): Promise<void> {
    const { feed, changeTimes, from } = this.#options;
    const { heartbeatMs, recheckMs } = changeTimes;
    if (from === undefined || feed.accepts(this.#table, from))
      await this.#write(controlEvent('ready', { resumed: from !== undefined }, this.#place));
    else await this.#tellGap();
    let checkedAtMs = performance.now();
    while (!this.#gone.signal.aborted && !feed.closing.aborted) {
      if (performance.now() - checkedAtMs >= recheckMs) {
        this.#readable = await this.#options.readTable();
        checkedAtMs = performance.now();
      }
      if (!feed.reaches(this.#table, this.#place)) await this.#tellGap();
      const piece = feed.after(this.#readable, this.#place);
      if (piece) {
        this.#place = piece.after;
        if (piece.text !== '') await this.#write(piece.text);
        await nextTurn();
        continue;
      }
      await feed.changed(Math.min(heartbeatMs, recheckMs), this.#gone.signal);
      if (performance.now() - this.#writtenAtMs >= heartbeatMs) await this.#write(': heartbeat\n\n');
    }
  }

  /** The place first: whoever reads the table after this event and follows from here misses nothing. */
  async #tellGap(): Promise<void> {
    this.#place = this.#options.feed.head(this.#table);
    const reason = 'The change log no longer reaches back to this event: read the table again';
    await this.#write(controlEvent('gap', { reason }, this.#place));
  }

  /** Resolves when the client can take more. @throws SlowReaderError */
  async #write(text: string): Promise<void> {
    const { response, changeTimes } = this.#options;
    this.#writtenAtMs = performance.now();
    if (this.#gone.signal.aborted || response.write(text)) return;
    const timeout = AbortSignal.timeout(changeTimes.slowMs);
    const signal = AbortSignal.any([this.#gone.signal, timeout]);
    await once(response, 'drain', { signal }).catch(() => undefined);
    if (timeout.aborted && !this.#gone.signal.aborted) throw new SlowReaderError(changeTimes.slowMs);
  }

  async #end(event: ControlEvent, reason: string): Promise<void> {
    const { response } = this.#options;
    if (this.#gone.signal.aborted) return;
    response.end(controlEvent(event, { reason }));
    const signal = AbortSignal.any([this.#gone.signal, AbortSignal.timeout(farewellMs)]);
    await once(response, 'finish', { signal }).catch(() => undefined);
    if (!response.writableFinished) response.destroy();
  }
}

class SlowReaderError extends CodedError {
  override readonly name = 'SlowReaderError';

  constructor(slowMs: number) {
    super(
      'unavailable',
      `Nothing was taken for ${slowMs} ms: connect again with the Last-Event-ID of the last event that came`,
    );
  }
}
