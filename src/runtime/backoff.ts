/** Bounds of an exponential back-off. */
export interface BackoffBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait after the nth failure in a row (1, 2, 3 ...).
 *
 * Doubles from `minMs` up to `maxMs`; jitter takes away up to half of it, so that nodes that failed together
 * do not come back together. Never less than half of `minMs`.
 */
export function backoffMs(
  failures: number,
  { minMs, maxMs }: BackoffBounds,
  random: () => number = Math.random,
): number {
  const fullMs = Math.min(maxMs, minMs * 2 ** Math.max(0, failures - 1));
  return fullMs * (0.5 + random() / 2);
}

/** Whether the nth failure in a row is logged: the first, second, fourth, eighth and so on, so that weeks fill no log. */
export function isLogged(failures: number): boolean {
  return Number.isInteger(Math.log2(failures));
}
