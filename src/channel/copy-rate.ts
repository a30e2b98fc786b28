import type { SubscriptionStatus } from '../model/replication-control.ts';
import type { CopyProgress } from '../store/cursors.ts';

/** How far a copy is, how fast it has been while it went on, and how long it takes at that rate. */
export function copyRate({
  rows,
  total,
  activeMs = 0,
}: CopyProgress): NonNullable<SubscriptionStatus['copy']> {
  if (activeMs === 0 || rows === 0) return { rows, total };
  const rate = rows / (activeMs / 1_000);
  return { rows, total, rate, etaSeconds: Math.max(0, (total - rows) / rate) };
}
