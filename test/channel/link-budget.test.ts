import { expect, test } from 'vitest';
import { LinkBudget } from '../../src/channel/link-budget.ts';

const kib = 1024;

/** What is asked for next, after full answers that took so long. */
function asked(budget: LinkBudget, ...answersMs: readonly number[]): number[] {
  return answersMs.map((elapsedMs) => {
    budget.answered(elapsedMs, budget.bytes);
    return budget.bytes / kib;
  });
}

/** After answers that the link took this time to carry. */
function askedOver(
  { bytesPerSecond, roundTripMs }: { readonly bytesPerSecond: number; readonly roundTripMs: number },
  answers: number,
): number[] {
  const budget = new LinkBudget();
  budget.met(roundTripMs);
  return Array.from({ length: answers }, () => {
    const elapsedMs = roundTripMs + (budget.bytes / bytesPerSecond) * 1_000;
    return asked(budget, elapsedMs)[0] ?? 0;
  });
}

test('little is asked at first', () => {
  expect(new LinkBudget().bytes).toBe(16 * kib);
});

test('a link that answers at once is asked for as much as there may be after three answers', () => {
  expect(asked(new LinkBudget(), 5, 10, 20, 40, 40)).toEqual([64, 256, 1024, 1024, 1024]);
});

test('after a fast answer it is twice as much, so that the next one is no slow one', () => {
  expect(asked(new LinkBudget(), 75, 299, 150)).toEqual([32, 64, 128]);
});

test('an answer that is neither fast nor slow changes nothing, a slow one halves, never below the least', () => {
  expect(asked(new LinkBudget(), 5, 300, 1_000, 1_001, 2_000, 2_000, 2_000)).toEqual([
    64, 64, 64, 32, 16, 8, 8,
  ]);
});

test('a far link that carries much is asked for much', () => {
  for (const roundTripMs of [300, 600, 1_000])
    expect(askedOver({ bytesPerSecond: 10_000_000, roundTripMs }, 6)).toEqual([32, 64, 128, 256, 512, 1024]);
});

test('a far link that carries little is asked for little', () => {
  expect(askedOver({ bytesPerSecond: 8_000, roundTripMs: 600 }, 4)).toEqual([8, 8, 8, 8]);
  expect(askedOver({ bytesPerSecond: 32_000, roundTripMs: 600 }, 4)).toEqual([16, 16, 16, 16]);
});

test('a small answer that waited for others does not pass for a far link', () => {
  const budget = new LinkBudget();
  budget.met(6_000);

  // 64 kbit/s, and nothing else on it.
  expect(asked(budget, 2_048, 2_048)).toEqual([8, 8]);
});

test('the fastest small answer counts, of one connection', () => {
  const budget = new LinkBudget();
  budget.met(900);
  budget.met(100);
  budget.met(800);
  expect(asked(budget, 900)).toEqual([16]);

  budget.renewed();
  budget.met(800);
  expect(asked(budget, 900)).toEqual([32]);
});

test('an answer that is not half of what was asked for says nothing of more', () => {
  const budget = new LinkBudget();

  budget.answered(1, 8 * kib - 1);
  expect(budget.bytes).toBe(16 * kib);

  budget.answered(1, 8 * kib);
  expect(budget.bytes).toBe(64 * kib);
});

test('an answer that may have waited for something to be written was not slow, and may have been fast', () => {
  const budget = new LinkBudget();

  budget.answered(60_000, budget.bytes, true);
  expect(budget.bytes).toBe(16 * kib);

  budget.answered(5, budget.bytes, true);
  expect(budget.bytes).toBe(64 * kib);
});

test('over another connection it is what it was at first, or less', () => {
  const grown = new LinkBudget();
  asked(grown, 1, 1, 1);
  const lost = new LinkBudget();
  lost.lost();

  for (const budget of [grown, lost]) budget.renewed();

  expect([grown.bytes, lost.bytes]).toEqual([16 * kib, 8 * kib]);
});

test('after a lost answer it is the least', () => {
  const budget = new LinkBudget();
  asked(budget, 1, 1, 1);

  budget.lost();

  expect(budget.bytes).toBe(8 * kib);
});
