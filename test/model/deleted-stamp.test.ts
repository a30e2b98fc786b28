import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stamp } from '../../src/model/change.ts';
import { compareStamps, deletedStamp, writerOf } from '../../src/model/conflict.ts';

// As store ids are drawn: base64url of one length.
const storeId = fc
  .uint8Array({ minLength: 9, maxLength: 9 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
const stamp: fc.Arbitrary<Stamp> = fc.record({
  version: fc.integer({ min: 1, max: 3 }),
  origin: fc.record({
    name: fc.constantFrom('a', 'b', 'b/'),
    storeId: fc.oneof(storeId, fc.constant('AAAAAAAAAAAA')),
  }),
});

test('the delete of a forgotten row is above that row and below every other stamp above it', () => {
  fc.assert(
    fc.property(stamp, stamp, (row, other) => {
      const deletion = deletedStamp(row);

      expect(compareStamps(row, deletion)).toBeLessThan(0);
      if (compareStamps(row, other) !== 0)
        expect(Math.sign(compareStamps(deletion, other))).toBe(Math.sign(compareStamps(row, other)));
      expect(writerOf(deletion)).toEqual(row);
      expect(writerOf(row)).toBe(row);
    }),
  );
});
