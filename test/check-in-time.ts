import fc from 'fast-check';
import { expect } from 'vitest';

export interface RunLimits {
  readonly numRuns: number;
  /** Finished however long they take; the time limit only spares the others. */
  readonly leastRuns: number;
  readonly limitMs: number;
}

/**
 * Checks a property in so many runs, or in as many as the time allows.
 *
 * Not by `interruptAfterTimeLimit`: that one calls what it cuts short a success, forgets the run under way with its
 * failure, and lets it go on behind the test. Here each run that began has ended when this resolves or rejects.
 */
export async function checkInTime<T>(
  arbitrary: fc.Arbitrary<T>,
  { numRuns, leastRuns, limitMs }: RunLimits,
  check: (example: T) => Promise<void>,
): Promise<void> {
  const endsAtMs = performance.now() + limitMs;
  let begun = 0;
  const property = fc.asyncProperty(arbitrary, async (example) => {
    if (begun >= leastRuns && performance.now() > endsAtMs) return;
    begun += 1;
    await check(example);
  });
  await fc.assert(property, { numRuns });
  expect(begun, 'runs').toBeGreaterThanOrEqual(leastRuns);
}
