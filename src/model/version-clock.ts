/**
 * The next version of a node: hybrid logical clock, integer microseconds.
 *
 * Drawn inside the commit that uses it, from the clock stored in the same environment, so it never goes
 * back across restarts, processes or clock jumps, and a write always beats the rows that it replaces.
 * Source of the idea: Kulkarni et al., "Logical Physical Clocks", 2014.
 *
 * @param physicalMs wall clock, milliseconds since 1970
 * @param stored     highest version this store has drawn or applied
 * @param replaced   highest version among the rows that the commit replaces (0 when none)
 */
export function nextVersion(physicalMs: number, stored: number, replaced: number): number {
  return Math.max(Math.floor(physicalMs * 1000), stored + 1, replaced + 1);
}

/** Milliseconds since 1970, with microseconds as the fraction. */
export function versionToMs(version: number): number {
  return version / 1000;
}

export function msToVersion(ms: number): number {
  return Math.floor(ms * 1000);
}

/** A hundred years in microseconds: clocks are wrong by decades, where a board has no battery, and not by more. */
const neverAheadBy = 3_155_760_000_000_000;

/**
 * A version that another node may have told. Further ahead of `known` than any clock is, it counts as `known`: the
 * next decision has to be newer, and a number that can be told.
 *
 * @param known drawn here when it was heard
 */
export function heardVersion(told: number, known: number): number {
  return told > known + neverAheadBy ? known : told;
}
