const units = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
  { name: 'second', ms: 1_000 },
] as const;

/** A duration for a person, in the largest unit of which it has two: `19 days`, `31 hours`; rounded down. */
export function durationText(durationMs: number): string {
  const { name, ms } = units.find((unit) => durationMs >= 2 * unit.ms) ?? units[3];
  const count = Math.max(0, Math.floor(durationMs / ms));
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
