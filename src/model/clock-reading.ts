/** How far another clock is ahead of ours (negative: behind), and by how much that may be wrong. */
export interface ClockReading {
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}
