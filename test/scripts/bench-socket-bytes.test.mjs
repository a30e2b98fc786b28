import { expect, test } from 'vitest';
import { bytesBetween } from '../../scripts/benchmark/socket-bytes.mjs';

test('bytes of all connections since are added up, those of a new one from its first', () => {
  const before = new Map([['127.0.0.1:40000', 1_000]]);
  const after = new Map([
    ['127.0.0.1:40000', 1_500],
    ['127.0.0.1:40001', 70],
  ]);

  expect(bytesBetween(before, after)).toBe(570);
});

test('there is no figure when a connection ended meanwhile, or when there is none', () => {
  const before = new Map([['127.0.0.1:40000', 1_000]]);

  expect(() => bytesBetween(before, new Map([['127.0.0.1:40001', 70]]))).toThrow('A connection ended');
  expect(() => bytesBetween(new Map(), new Map())).toThrow('no connection');
});
