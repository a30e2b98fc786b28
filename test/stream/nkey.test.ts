import { createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSignedBy, makeSeed, publicKeyOf, signWith } from '../../src/stream/nkey.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('nkeys are those of NATS', () => {
  test('a seed that we make is one of theirs, with the same public key', () => {
    const seed = bytesOf(makeSeed());

    expect(fromSeed(seed).getPublicKey()).toBe(publicKeyOf(seed));
    expect(makeSeed()).not.toBe(makeSeed());
  });

  test('a seed that they make is one of ours, with the same public key', () => {
    for (let round = 0; round < 20; round += 1) {
      const pair = createUser();

      expect(publicKeyOf(pair.getSeed())).toBe(pair.getPublicKey());
    }
  });

  test('whatever is signed, each accepts what the other signed', () => {
    const pair = createUser();
    const publicKey = pair.getPublicKey();

    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(fromPublic(publicKey).verify(bytesOf(text), signWith(pair.getSeed(), text))).toBe(true);
        expect(isSignedBy(publicKey, text, Buffer.from(pair.sign(bytesOf(text))))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});

test('another text, another key and another signature are refused', () => {
  const seed = bytesOf(makeSeed());
  const publicKey = publicKeyOf(seed);
  const signature = signWith(seed, 'nonce');

  expect(isSignedBy(publicKey, 'nonce', signature)).toBe(true);
  expect(isSignedBy(publicKey, 'another', signature)).toBe(false);
  expect(isSignedBy(publicKeyOf(bytesOf(makeSeed())), 'nonce', signature)).toBe(false);
  expect(isSignedBy(publicKey, 'nonce', Buffer.alloc(64))).toBe(false);
  expect(isSignedBy(publicKey, 'nonce', Buffer.from('short'))).toBe(false);
});

test('whatever one letter of a key becomes, it is no key any more', () => {
  const seed = makeSeed();
  const publicKey = publicKeyOf(bytesOf(seed));
  const damaged = (text: string, at: number, letter: string): string =>
    `${text.slice(0, at)}${letter}${text.slice(at + 1)}`;

  fc.assert(
    fc.property(
      fc.nat({ max: 55 }),
      fc.constantFrom('A', 'B', 'P', 'Z', '2', '7', '1', 'a', '-', 'é', ''),
      (at, letter) => {
        fc.pre(publicKey[at] !== letter && seed[at] !== letter);
        expect(isSignedBy(damaged(publicKey, at, letter), 'nonce', signWith(bytesOf(seed), 'nonce'))).toBe(
          false,
        );
        expect(() => publicKeyOf(bytesOf(damaged(seed, at, letter)))).toThrow(
          'The seed of an nkey is damaged',
        );
      },
    ),
  );
  for (const text of ['', seed, publicKey.slice(1), `${publicKey}A`])
    expect(isSignedBy(text, 'nonce', signWith(bytesOf(seed), 'nonce'))).toBe(false);
  for (const text of ['', publicKey, seed.slice(1), `${seed}AA`])
    expect(() => publicKeyOf(bytesOf(text))).toThrow('The seed of an nkey is damaged');
});
