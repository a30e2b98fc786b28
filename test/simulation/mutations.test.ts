import { expect, test } from 'vitest';
import { firstBroken } from './campaign.ts';
import { mutations } from './mutations.ts';

test.for(mutations)(
  'it is noticed when $name',
  { timeout: 600_000 },
  async (mutation, { signal, onTestFinished }) => {
    const { firstSeed = 1 } = mutation;
    const isOver = (): boolean => signal.aborted;
    const campaign = firstBroken({ firstSeed, histories: 10_000, mutation, isOver });
    // Also after a timeout: what it has put into the core must be out before the next one.
    onTestFinished(async () => {
      await campaign;
    });

    expect((await campaign)?.invariant).toBe(mutation.shows);
  },
);

test('there is a mutation for every invariant', () => {
  const shown = new Set(mutations.map(({ shows }) => shows));

  for (let invariant = 1; invariant <= 12; invariant += 1) expect(shown).toContain(invariant);
});
