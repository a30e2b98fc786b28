import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packDigests, packEntries, unpackDigests, unpackEntries } from '../../src/channel/packed-digests.ts';
import { encodeBody } from '../../src/channel/protocol.ts';

const key = fc.oneof(fc.string(), fc.integer());
const hash = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const origin = fc.record({ name: fc.constantFrom('a', 'b'), storeId: fc.constantFrom('one', 'two') });

test('digests of ranges that follow each other come back as they were', () => {
  fc.assert(
    fc.property(
      fc.option(key),
      fc.array(fc.record({ upTo: fc.option(key), rows: fc.nat(), hash })),
      (after, told) => {
        const digests = told.map(({ upTo, ...digest }, index) => ({
          range: { after: index === 0 ? after : (told[index - 1]?.upTo ?? null), upTo },
          ...digest,
        }));

        expect(unpackDigests(after, packDigests(digests))).toEqual(digests);
      },
    ),
  );
});

test('entries come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ key, version: fc.nat(), origin, hash })), (entries) => {
      const packed = packEntries(entries);

      expect(unpackEntries(packed.origins, packed.entries)).toEqual(entries);
    }),
  );
});

test('a digest of 64 rows takes less than 32 bytes, an entry less than 36', () => {
  const hashed = 'f'.repeat(16);
  const digests = Array.from({ length: 1_000 }, (_, index) => ({
    range: { after: index * 64, upTo: (index + 1) * 64 },
    rows: 64,
    hash: hashed,
  }));
  const entries = Array.from({ length: 1_000 }, (_, index) => ({
    key: 1_000_000 + index,
    version: 1_700_000_000_000_000 + index,
    origin: { name: 'a', storeId: 'one' },
    hash: hashed,
  }));

  expect(encodeBody(packDigests(digests)).length).toBeLessThan(32 * digests.length);
  expect(encodeBody(packEntries(entries)).length).toBeLessThan(36 * entries.length);
});
