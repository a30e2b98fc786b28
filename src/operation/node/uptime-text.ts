const units = [
  { letter: 'd', seconds: 86_400 },
  { letter: 'h', seconds: 3_600 },
  { letter: 'm', seconds: 60 },
  { letter: 's', seconds: 1 },
] as const;

/** A duration as `30d 1h 18m 8s`; leading units that are zero are left out. */
export function uptimeText(durationMs: number): string {
  let seconds = Math.max(0, Math.floor(durationMs / 1000));
  const parts: string[] = [];
  for (const unit of units) {
    const count = Math.floor(seconds / unit.seconds);
    seconds -= count * unit.seconds;
    if (count > 0 || parts.length > 0 || unit.letter === 's') parts.push(`${count}${unit.letter}`);
  }
  return parts.join(' ');
}
