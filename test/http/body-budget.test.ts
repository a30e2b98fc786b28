import { expect, test } from 'vitest';
import { BodyBudget } from '../../src/http/body-budget.ts';

const kibibyte = 1_024;
const full = 'Too many large requests at once, try again';

test('large bodies are refused while others fill the budget, and taken again when these are answered', () => {
  const budget = new BodyBudget(1_000 * kibibyte);
  const first = budget.hold();
  first.add(900 * kibibyte);

  const second = budget.hold();
  second.add(200 * kibibyte);
  expect(() => second.add(100 * kibibyte)).toThrow(full);
  second[Symbol.dispose]();
  first[Symbol.dispose]();

  const third = budget.hold();
  expect(() => third.add(1_000 * kibibyte)).not.toThrow();
});

test('one that is alone may be larger than the budget, and small ones are always taken', () => {
  const budget = new BodyBudget(kibibyte);

  const large = budget.hold();
  const small = budget.hold();

  expect(() => large.add(1_000 * kibibyte)).not.toThrow();
  expect(() => small.add(200 * kibibyte)).not.toThrow();
});
