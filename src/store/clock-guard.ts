import type { Commit } from './commit.ts';

const releasedMs = Date.UTC(2026, 0, 1);

/** No clock that is right shows a time before this software was released. */
export function isBeforeRelease(ms: number): boolean {
  return ms < releasedMs;
}

/**
 * Keeps versions of the far future out: one of them adopted would win against every later write here, for as
 * long as its clock was wrong.
 */
export class ClockGuard {
  readonly #maxSkewMs: number;

  constructor(maxSkewMs: number) {
    this.#maxSkewMs = maxSkewMs;
  }

  /** When a version may be adopted, ms since 1970; undefined when now. Inside a commit. */
  dueAtMs(commit: Commit, version: number): number | undefined {
    const dueAtMs = version / 1000 - this.#maxSkewMs;
    return dueAtMs > commit.nowMs && !this.isUnset(commit.nowMs, commit.state.clock) ? dueAtMs : undefined;
  }

  /**
   * Whether the wall clock cannot be right: before the release of this software, or far behind what was
   * stored already (a board without a battery before it has asked for the time). Then nothing is judged by it.
   */
  isUnset(nowMs: number, storedClock: number): boolean {
    return isBeforeRelease(nowMs) || nowMs < storedClock / 1000 - this.#maxSkewMs;
  }
}
