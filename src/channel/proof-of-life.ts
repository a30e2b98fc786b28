import type { ClockReading } from '../model/clock-reading.ts';
import type { Hello } from './hello.ts';

export interface ProofOfLifeOptions {
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

/** Silence for this long is a dead peer, whatever its sockets look like. */
const aliveMs = 5_000;

/** What a peer has said last, when, and over whose connection. */
export class ProofOfLife {
  readonly #options: ProofOfLifeOptions;
  #hello: Hello | undefined;
  #heardMs: number | undefined;
  #sinceMs = 0;
  #heardSteadyMs = -Infinity;
  /** When the peer last spoke over a connection that it dialled. */
  #heardFromTheirsMs = -Infinity;

  constructor(options: ProofOfLifeOptions) {
    this.#options = options;
  }

  heard(hello: Hello, by: 'our link' | 'their link'): void {
    const now = this.#options.now();
    if (!this.isAlive) this.#sinceMs = now;
    this.#hello = hello;
    this.#heardMs = now;
    this.#heardSteadyMs = this.#options.steadyMs();
    if (by === 'their link') this.#heardFromTheirsMs = this.#heardSteadyMs;
  }

  get hello(): Hello | undefined {
    return this.#hello;
  }

  get isAlive(): boolean {
    return this.heardAgoMs < aliveMs;
  }

  /** The peer has a live connection of its own to us. */
  get isDialledByPeer(): boolean {
    return this.#options.steadyMs() - this.#heardFromTheirsMs < aliveMs;
  }

  /** How long ago it has said that. */
  get heardAgoMs(): number {
    return this.#options.steadyMs() - this.#heardSteadyMs;
  }

  /** Ms since 1970; undefined before it has said anything. */
  get heardMs(): number | undefined {
    return this.#heardMs;
  }

  /** Since when it has been alive without a break, ms since 1970. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** The peer's clock as it says itself: a peer that dials us is the one who can measure. */
  get toldClock(): ClockReading | undefined {
    const told = this.isDialledByPeer ? this.#hello?.clockOffset : undefined;
    return told && { offsetMs: -told.offsetMs, uncertaintyMs: told.uncertaintyMs };
  }
}
