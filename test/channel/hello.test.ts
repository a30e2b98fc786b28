import { expect, test } from 'vitest';
import { hello, type Hello } from '../../src/channel/hello.ts';
import { openPair } from './replica-pair.ts';

const plain: Hello = {
  protocol: 2,
  name: 'edge',
  storeId: 'store',
  clockMs: 1,
  system: { lyre: '1.0.0', node: '20.0.0', platform: 'linux', apiPort: 1, clusterPort: 2 },
  maxTransactionBytes: 1,
  isDialling: false,
  addedVersion: 1,
  subscriptions: [],
  heads: {},
  cursors: {},
  verified: {},
  links: [],
  routes: [],
};
const isAgreed = (more: object): boolean => hello.safeParse({ ...plain, ...more }).success;

const channels = Array.from({ length: 10_000 }, (_, number) => `dev:table-${number}`);
const subscription = {
  database: 'd'.repeat(250),
  table: 't'.repeat(250),
  publish: true,
  subscribe: true,
  version: 1_700_000_000_000_000,
  proof: 'UQDsRfiNugikBJn/f0Wtj79ZokWVeipPpMC9vk9x3iI=',
};

test('a greeting tells of ten thousand channels', () => {
  const heads = Object.fromEntries(channels.map((channel) => [channel, { seq: 1, committedAtMs: 1 }]));

  expect(isAgreed({ heads, asking: channels, subscriptions: channels.map(() => subscription) })).toBe(true);
});

test('a greeting has bounds: of names, of proofs, and of how much it lists', () => {
  const tooMany = Array.from({ length: 20_001 }, (_, number) => `n${number}`);
  const cursor = { storeId: 's', incarnation: 'i', seq: 1, id: 'x' };
  const long = 'x'.repeat(1_001);

  for (const more of [
    { subscriptions: [{ ...subscription, proof: long }] },
    { subscriptions: [{ ...subscription, table: long }] },
    { subscriptions: tooMany.map(() => subscription) },
    { cursors: { [long]: cursor } },
    { cursors: { 'dev:dog': { ...cursor, storeId: long } } },
    { cursors: Object.fromEntries(tooMany.map((name) => [name, cursor])) },
    { links: tooMany },
    { asking: [long] },
    { routes: tooMany.map((host) => ({ host, port: 1 })) },
    { bootId: long },
    { storeId: 's'.repeat(65) },
    { storeId: '\u0000' },
    { cursors: { 'dev:dog': { ...cursor, incarnation: 's'.repeat(65) } } },
  ])
    expect(isAgreed(more)).toBe(false);
});

test('a greeting tells what is copied and what fails, and a reason that is too long does not end it', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;

  const told = b.hello(a, undefined, { 'dev:dog': '\u{1F415}'.repeat(3_000) });

  expect(told.failed?.['dev:dog']?.length).toBe(200);
});

test('every moment that is told is one that can be shown', () => {
  const verified = { rows: 1, repairedCount: 0, repaired: [], onlyHere: 0 };

  for (const [ms, isShown] of [
    [1e20, false],
    [8.64e15 + 2, false],
    [-8.64e15 - 2, false],
    [8.64e15, true],
    [1_795_177_998_993.5, true],
  ] as const) {
    expect(isAgreed({ verified: { 'dev:dog': { ...verified, asOfMs: ms } } })).toBe(isShown);
    expect(isAgreed({ heads: { 'dev:dog': { seq: 1, committedAtMs: ms } } })).toBe(isShown);
    expect(isAgreed({ subscriptions: [{ ...subscription, startTimeMs: ms }] })).toBe(isShown);
    expect(isAgreed({ clockMs: ms })).toBe(isShown);
  }
});
