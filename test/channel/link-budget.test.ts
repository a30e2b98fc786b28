import { expect, test } from 'vitest';
import { LinkBudget } from '../../src/channel/link-budget.ts';

const kib = 1024;

/** What is asked for next, after answers that took so long. */
function asked(...answersMs: readonly number[]): number[] {
  const budget = new LinkBudget();
  return answersMs.map((elapsedMs) => {
    budget.answered(elapsedMs);
    return budget.bytes / kib;
  });
}

test('little is asked at first', () => {
  expect(new LinkBudget().bytes).toBe(16 * kib);
});

test('a link that answers at once is asked for as much as there may be after three answers', () => {
  expect(asked(5, 10, 20, 40, 40)).toEqual([64, 256, 1024, 1024, 1024]);
});

test('after a fast answer it is twice as much, so that the next one is no slow one', () => {
  expect(asked(75, 299, 150)).toEqual([32, 64, 128]);
});

test('an answer that is neither fast nor slow changes nothing, a slow one halves, never below the least', () => {
  expect(asked(5, 300, 1_000, 1_001, 2_000, 2_000, 2_000)).toEqual([64, 64, 64, 32, 16, 8, 8]);
});

test('over another connection it is what it was at first, or less', () => {
  const grown = new LinkBudget();
  for (let round = 0; round < 3; round += 1) grown.answered(1);
  const lost = new LinkBudget();
  lost.lost();

  for (const budget of [grown, lost]) budget.renewed();

  expect([grown.bytes, lost.bytes]).toEqual([16 * kib, 8 * kib]);
});

test('after a lost answer it is the least', () => {
  const budget = new LinkBudget();
  for (let round = 0; round < 3; round += 1) budget.answered(1);

  budget.lost();

  expect(budget.bytes).toBe(8 * kib);
});
