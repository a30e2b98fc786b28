import { setTimeout as wait } from 'node:timers/promises';
import { Refusal } from './database.mjs';
import { SENSOR } from './readings.mjs';

const retryMs = 1_000;

/**
 * The limits that headquarters has set, as they are in the local table: read once, then followed.
 *
 * The database says when they change. After a break it goes on where it was, by the id of the last event; only where
 * it cannot (`gap`), or never was, is the table read.
 */
export class Limits {
  #database;
  #onChange;
  #closing = new AbortController();
  /** @type {import('./incidents.mjs').Limits | undefined} */
  #current;
  /** @type {string | undefined} */
  #lastEventId;
  #failure;

  /**
   * @param {import('./database.mjs').Database} database
   * @param {(limits: import('./incidents.mjs').Limits | undefined) => void} onChange called at the first reading too
   */
  constructor(database, onChange) {
    this.#database = database;
    this.#onChange = onChange;
  }

  /**
   * Undefined until headquarters has set some.
   *
   * @throws a Refusal when the database no longer lets us follow
   */
  get current() {
    if (this.#failure) throw this.#failure;
    return this.#current;
  }

  /** Resolves when the limits have been read; they are followed from then on. @throws a Refusal */
  async start() {
    await new Promise((resolve, reject) => {
      this.#follow(() => resolve(undefined)).catch((error) => {
        this.#failure = error;
        reject(error);
      });
    });
  }

  close() {
    this.#closing.abort();
  }

  /** @param {() => void} onRead */
  async #follow(onRead) {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const place = { lastEventId: this.#lastEventId, signal };
        for await (const event of this.#database.changes('thresholds', place)) {
          await this.#heed(event);
          onRead();
        }
      } catch (error) {
        if (error instanceof Refusal) throw error;
      }
      await wait(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @param {import('./event-stream.mjs').SentEvent} sent */
  async #heed({ event, id, data }) {
    // The table is read after the place is known, so no change falls between the two.
    if (event === 'gap' || (event === 'ready' && !data.resumed)) this.#take(await this.#read());
    // One that was replaced since has a later event.
    if (event === 'message' && data.id === SENSOR && data.current) this.#take(data.record ?? undefined);
    this.#lastEventId = id ?? this.#lastEventId;
  }

  async #read() {
    const [row] = await this.#database.ask({
      operation: 'search_by_id',
      table: 'thresholds',
      ids: [SENSOR],
      get_attributes: ['low', 'high'],
    });
    return row;
  }

  #take(row) {
    this.#current = row && { low: row.low, high: row.high };
    this.#onChange(this.#current);
  }
}
