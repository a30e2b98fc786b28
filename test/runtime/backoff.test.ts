import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from '../../src/runtime/backoff.ts';

it('doubles up to its maximum', () => {
  const delays = [1, 2, 3, 4, 50, 5000].map((n) => backoffMs(n, { minMs: 100, maxMs: 500 }, () => 1));

  expect(delays).toEqual([100, 200, 400, 500, 500, 500]);
});

it('stays within its bounds, whatever the jitter', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, random) => {
        const delay = backoffMs(n, { minMs: 100, maxMs: 5000 }, () => random);
        expect(delay).toBeGreaterThanOrEqual(50);
        expect(delay).toBeLessThanOrEqual(5000);
      },
    ),
  );
});
