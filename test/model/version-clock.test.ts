import fc from 'fast-check';
import { expect, test } from 'vitest';
import { msToVersion, nextVersion, versionToMs } from '../../src/model/version-clock.ts';

/** Up to the year 2200. */
const physicalMs = fc.integer({ min: 0, max: 7_258_118_400_000 });

test('never goes back and never repeats, whatever the wall clock does', () => {
  fc.assert(
    fc.property(fc.array(physicalMs, { minLength: 2, maxLength: 30 }), (clocks) => {
      let stored = 0;
      for (const now of clocks) {
        const version = nextVersion(now, stored, 0);

        expect(version).toBeGreaterThan(stored);
        expect(Number.isSafeInteger(version)).toBe(true);
        stored = version;
      }
    }),
  );
});

test('beats the rows that are replaced, however far ahead their clock was', () => {
  fc.assert(
    fc.property(physicalMs, physicalMs, physicalMs, (now, stored, replaced) => {
      expect(nextVersion(now, msToVersion(stored), msToVersion(replaced))).toBeGreaterThan(
        msToVersion(replaced),
      );
    }),
  );
});

test('follows the wall clock while it is ahead', () => {
  expect(nextVersion(1_000, 5, 7)).toBe(1_000_000);
});

test('a fraction of a millisecond counts to the microsecond', () => {
  expect(nextVersion(1.2345678, 0, 0)).toBe(1234);
});

test('milliseconds and versions convert to each other', () => {
  fc.assert(
    fc.property(physicalMs, (ms) => {
      expect(versionToMs(msToVersion(ms))).toBe(ms);
    }),
  );
});
