import { versionToMs } from '../model/version-clock.ts';
import type { Commit } from './commit.ts';

const releasedMs = Date.UTC(2026, 0, 1);
/** No device runs the software of one day for longer than about twenty years. */
const outdatedMs = Date.UTC(2046, 0, 1);

/** No clock that is right shows a time before this software was released. */
export function isBeforeRelease(ms: number): boolean {
  return ms < releasedMs;
}

/** A wall clock that cannot be right, ms since 1970. */
export interface UnsetClock {
  readonly showsMs: number;
  /** It has been so late already. */
  readonly knownMs: number;
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
  dueAtMs({ nowMs, state: { clock } }: Pick<Commit, 'nowMs' | 'state'>, version: number): number | undefined {
    const dueAtMs = versionToMs(version) - this.#maxSkewMs;
    const isEarly = this.doubt(nowMs, clock) ? isBeyondAll(version, clock) : dueAtMs > nowMs;
    return isEarly ? dueAtMs : undefined;
  }

  /**
   * The wall clock where it cannot be right: before the release of this software, or far behind what was
   * stored already (a board without a battery before it has asked for the time). Then little is judged by it.
   */
  doubt(nowMs: number, storedClock: number): UnsetClock | undefined {
    const storedMs = versionToMs(storedClock);
    const isUnset = isBeforeRelease(nowMs) || nowMs < storedMs - this.#maxSkewMs;
    return isUnset ? { showsMs: nowMs, knownMs: Math.max(releasedMs, storedMs) } : undefined;
  }
}

/**
 * Without a clock that is right: whether a version would take ours to where every other node refuses what is written
 * here. One that is not newer than ours takes it nowhere.
 */
function isBeyondAll(version: number, storedClock: number): boolean {
  return versionToMs(version) > outdatedMs && version > storedClock;
}
