import { expect, test } from 'vitest';
import { isProven, proveSubscription } from '../../src/channel/agreement.ts';
import type { SharedSubscription } from '../../src/model/subscription.ts';

const key = Buffer.alloc(32, 'the secret of the cluster user');
const dog: SharedSubscription = {
  database: 'dev',
  table: 'dog',
  publish: true,
  subscribe: false,
  startTimeMs: 7,
  version: 5,
};

test('the proof of a subscription without a priority is the one that older nodes make', () => {
  expect(proveSubscription(key, 'a', 'b', dog)).toBe('UQDsRfiNugikBJn/f0Wtj79ZokWVeipPpMC9vk9x3iI=');
  expect(proveSubscription(key, 'a', 'b', { ...dog, priority: undefined })).toBe(
    'UQDsRfiNugikBJn/f0Wtj79ZokWVeipPpMC9vk9x3iI=',
  );
});

test('a priority is proven: it can neither be changed, nor added, nor taken away on the way', () => {
  const told = { ...dog, priority: 9, proof: proveSubscription(key, 'a', 'b', { ...dog, priority: 9 }) };
  const { priority: _none, ...without } = told;

  expect(isProven(key, 'a', 'b', told)).toBe(true);
  expect(isProven(key, 'a', 'b', { ...told, priority: 0 })).toBe(false);
  expect(isProven(key, 'a', 'b', without)).toBe(false);
  expect(
    isProven(key, 'a', 'b', { ...told, ...dog, priority: 9, proof: proveSubscription(key, 'a', 'b', dog) }),
  ).toBe(false);
});
