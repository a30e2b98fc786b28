import type { SubscriptionStatus } from '../model/replication-control.ts';
import type { CopyProgress } from '../store/cursors.ts';

/** How far a copy is, how fast it has been, and how long it takes at that rate. */
export function copyRate(
  { rows, total, startedAtMs }: CopyProgress,
  nowMs: number,
): NonNullable<SubscriptionStatus['copy']> {
  const rate = rows / Math.max(0.001, (nowMs - startedAtMs) / 1000);
  const etaSeconds = rate > 0 ? Math.max(0, (total - rows) / rate) : 0;
  return { rows, total, rate, etaSeconds };
}
