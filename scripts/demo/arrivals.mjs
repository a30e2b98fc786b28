import { setTimeout as wait } from 'node:timers/promises';

const sampleMs = 20;

/** Watches how the readings arrive at headquarters, by asking again and again how many are there. */
export class Arrivals {
  rows = 0;
  longestLagMs = 0;
  #api;
  #stored;
  #isStopped = false;
  #isMeasuring = false;
  #oldest = 0;
  #failure;
  /** @type {Promise<void> | undefined} */
  #loop;

  /**
   * @param {import('./node-api.mjs').NodeApi} api of headquarters
   * @param {readonly { rows: number, atMs: number }[]} stored what the edge has stored; grows
   */
  constructor(api, stored) {
    this.#api = api;
    this.#stored = stored;
  }

  start() {
    this.#loop = this.#watch();
  }

  /** From now on every reading counts for the longest lag; before, it was a copy of older ones. */
  measureLag() {
    this.#isMeasuring = true;
  }

  /** @throws what asking threw */
  check() {
    if (this.#failure) throw this.#failure;
  }

  async stop() {
    this.#isStopped = true;
    await this.#loop;
  }

  async #watch() {
    try {
      while (!this.#isStopped) {
        this.rows = (await this.#api.count('sensor_data')) ?? 0;
        if (this.#isMeasuring) this.#measure();
        await wait(sampleMs);
      }
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Readings arrive in the order in which they were stored, so the count says which is the oldest that is missing. */
  #measure() {
    while ((this.#stored[this.#oldest]?.rows ?? Infinity) <= this.rows) this.#oldest += 1;
    const oldest = this.#stored[this.#oldest];
    if (oldest) this.longestLagMs = Math.max(this.longestLagMs, performance.now() - oldest.atMs);
  }
}
