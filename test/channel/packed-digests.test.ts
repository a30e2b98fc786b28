import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packDigests, packEntries, unpackDigests, unpackEntries } from '../../src/channel/packed-digests.ts';
import { compareKeys, type Key } from '../../src/model/change.ts';
import { encodeBody } from '../../src/channel/message-body.ts';
import { channelRequest, channelResponse } from '../../src/channel/protocol.ts';

const key = fc.oneof(fc.string(), fc.integer());
const hash = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const origin = fc.record({ name: fc.constantFrom('a', 'b'), storeId: fc.constantFrom('one', 'two') });

const rising = fc
  .tuple(fc.uniqueArray(key, { minLength: 1 }), fc.boolean(), fc.boolean())
  .map(([keys, isFirst, isLast]) => {
    const [first = '', ...others] = keys.toSorted(compareKeys);
    const after = isFirst ? null : first;
    return { after, ends: [...(isFirst ? [first] : []), ...others, ...(isLast ? [null] : [])] };
  });

test('digests of ranges that follow each other come back as they were', () => {
  fc.assert(
    fc.property(rising, fc.nat(), hash, ({ after, ends }, rows, text) => {
      const digests = ends.map((upTo, index) => ({
        range: { after: index === 0 ? after : (ends[index - 1] ?? null), upTo },
        rows,
        hash: text,
      }));

      expect(unpackDigests(after, packDigests(digests))).toEqual(digests);
    }),
  );
});

test.each<[Key | null, (Key | null)[]]>([
  [null, [null, null]],
  [null, ['b', null, 'c']],
  ['b', ['b']],
  ['b', ['a']],
  [1, ['a', 2]],
  [null, ['a', 'z', 'a', 'z']],
])('after %j ranges that end with %j do not follow each other', (after, ends) => {
  const packed = ends.map((upTo): [Key | null, number, Uint8Array] => [upTo, 1, Buffer.alloc(8)]);

  expect(() => unpackDigests(after, packed)).toThrow(expect.objectContaining({ code: 'undecodable' }));
});

test('what is told and asked in a comparison has bounds', () => {
  const identity = { storeId: 's', incarnation: 'i' };
  const digests = (count: number, rows = 64) => ({
    kind: 'digest',
    identity,
    digests: Array.from({ length: count }, (_, index) => [index, rows, Buffer.alloc(8)]),
  });
  const rows = (count: number) => ({
    kind: 'rows',
    channel: 'dev:dog',
    identity,
    keys: Array.from({ length: count }, (_, index) => index),
  });

  expect([1_000, 1_001].map((count) => channelRequest.safeParse(rows(count)).success)).toEqual([true, false]);
  expect([1_000, 1_001].map((count) => channelResponse.safeParse(digests(count)).success)).toEqual([
    true,
    false,
  ]);
  expect(channelResponse.safeParse(digests(1, 10_001)).success).toBe(false);
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
