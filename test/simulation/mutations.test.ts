import { expect, test } from 'vitest';
import { firstBroken } from './campaign.ts';
import { mutations } from './mutations.ts';

test.each(mutations)('it is noticed when $name', { timeout: 600_000 }, async (mutation) => {
  const broken = await firstBroken({ firstSeed: mutation.firstSeed ?? 1, histories: 10_000, mutation });

  expect(broken?.invariant).toBe(mutation.shows);
});

test('there is a mutation for every invariant', () => {
  const shown = new Set(mutations.map(({ shows }) => shows));

  for (let invariant = 1; invariant <= 12; invariant += 1) expect(shown).toContain(invariant);
});
