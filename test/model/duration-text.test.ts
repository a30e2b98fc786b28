import { expect, test } from 'vitest';
import { durationText } from '../../src/model/duration-text.ts';

test('a duration is told in the largest unit of which it has two, rounded down', () => {
  const hourMs = 3_600_000;
  expect(
    [
      0,
      999,
      1_000,
      1_999,
      119_999,
      120_000,
      2 * hourMs - 1,
      2 * hourMs,
      47 * hourMs,
      48 * hourMs,
      19.9 * 24 * hourMs,
    ].map(durationText),
  ).toEqual([
    '0 seconds',
    '0 seconds',
    '1 second',
    '1 second',
    '119 seconds',
    '2 minutes',
    '119 minutes',
    '2 hours',
    '47 hours',
    '2 days',
    '19 days',
  ]);
});
