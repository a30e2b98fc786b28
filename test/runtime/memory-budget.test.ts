import { expect, test } from 'vitest';
import { MemoryBudget } from '../../src/runtime/memory-budget.ts';

test('much is refused while others fill the budget, and taken again when they have let go', () => {
  const budget = new MemoryBudget({ maxBytes: 1_000, freeBytes: 250 });
  const first = budget.share();
  const second = budget.share();

  expect(first.hold(900)).toBe(true);
  expect(second.hold(100)).toBe(true);
  expect(second.hold(251)).toBe(false);
  second[Symbol.dispose]();
  first[Symbol.dispose]();

  expect(budget.share().hold(1_000)).toBe(true);
});

test('who holds less again makes room', () => {
  const budget = new MemoryBudget({ maxBytes: 1_000, freeBytes: 0 });
  const first = budget.share();
  const second = budget.share();
  first.hold(900);
  first.hold(100);

  expect(second.hold(900)).toBe(true);
});

test('one that is alone may hold more than the budget, and little is always taken', () => {
  const budget = new MemoryBudget({ maxBytes: 1, freeBytes: 200 });

  const large = budget.share();
  expect(large.hold(1_000)).toBe(true);
  expect(budget.share().hold(200)).toBe(true);
  expect(large.hold(2_000)).toBe(true);
  expect(budget.share().hold(201)).toBe(false);
});
