import { expect, test } from 'vitest';
import { Proofs } from '../../src/channel/agreement.ts';
import type { SharedSubscription } from '../../src/model/subscription.ts';
import { heldBytes } from '../http/collect-garbage.ts';

const proofs = new Proofs(Buffer.alloc(32, 'the secret of the cluster user'));
const dog: SharedSubscription = {
  database: 'dev',
  table: 'dog',
  publish: true,
  subscribe: false,
  startTimeMs: 7,
  version: 5,
};

test('the proof of a subscription without a priority is the one that older nodes make', () => {
  expect(proofs.prove('a', 'b', dog)).toBe('UQDsRfiNugikBJn/f0Wtj79ZokWVeipPpMC9vk9x3iI=');
  expect(proofs.prove('a', 'b', { ...dog, priority: undefined })).toBe(
    'UQDsRfiNugikBJn/f0Wtj79ZokWVeipPpMC9vk9x3iI=',
  );
});

test('a priority is proven: it can neither be changed, nor added, nor taken away on the way', () => {
  const told = { ...dog, priority: 9, proof: proofs.prove('a', 'b', { ...dog, priority: 9 }) };
  const { priority: _none, ...without } = told;

  expect(proofs.isProven('a', 'b', told)).toBe(true);
  expect(proofs.isProven('a', 'b', { ...told, priority: 0 })).toBe(false);
  expect(proofs.isProven('a', 'b', without)).toBe(false);
  expect(
    proofs.isProven('a', 'b', { ...told, ...dog, priority: 9, proof: proofs.prove('a', 'b', dog) }),
  ).toBe(false);
});

test('of what is not proven nothing is kept, however much of it comes', () => {
  const claim = (number: number): boolean =>
    proofs.isProven('a', 'b', { ...dog, table: `${number}`.padEnd(50_000, 'x'), proof: '' });
  claim(0);
  const before = heldBytes();

  for (let number = 1; number < 1_000; number += 1) expect(claim(number)).toBe(false);

  expect(heldBytes() - before).toBeLessThan(10 << 20);
});
