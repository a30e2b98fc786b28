import type { ClockReading } from '../model/clock-reading.ts';

export interface ClockOffsetOptions {
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

interface Sample {
  /** The other clock minus our steady one. */
  readonly aheadOfSteadyMs: number;
  readonly uncertaintyMs: number;
  readonly atSteadyMs: number;
}

const samplesKept = 8;
/** What two ordinary quartz clocks may drift apart: a sample says less the older it is. */
const driftPart = 500e-6;

/**
 * Measures a peer's clock by questions and answers, as NTP does: the peer's clock was read somewhere between
 * our sending and our hearing, so the middle of the two is wrong by half the round trip at most. The best of
 * the last few counts.
 *
 * Samples stand against the steady clock: when our own wall clock is set, the reading shows it at once.
 */
export class ClockOffset {
  readonly #options: ClockOffsetOptions;
  #samples: readonly Sample[] = [];

  constructor(options: ClockOffsetOptions) {
    this.#options = options;
  }

  /** Just now the answer came to a question of `sentSteadyMs`; in it the peer's wall clock. */
  heard(sentSteadyMs: number, peerClockMs: number): void {
    const atSteadyMs = this.#options.steadyMs();
    const uncertaintyMs = Math.max(0, atSteadyMs - sentSteadyMs) / 2;
    const aheadOfSteadyMs = peerClockMs - (sentSteadyMs + uncertaintyMs);
    this.#samples = [...this.#samples, { aheadOfSteadyMs, uncertaintyMs, atSteadyMs }].slice(-samplesKept);
  }

  /** Forgets all: a machine that slept has a steady clock that did. */
  reset(): void {
    this.#samples = [];
  }

  /** Undefined before the first answer. */
  get reading(): ClockReading | undefined {
    const steadyMs = this.#options.steadyMs();
    const aged = this.#samples.map(({ aheadOfSteadyMs, uncertaintyMs, atSteadyMs }) => ({
      offsetMs: aheadOfSteadyMs + steadyMs - this.#options.now(),
      uncertaintyMs: uncertaintyMs + (steadyMs - atSteadyMs) * driftPart,
    }));
    return aged.toSorted((a, b) => a.uncertaintyMs - b.uncertaintyMs)[0];
  }
}
