import { expect, test } from 'vitest';
import { firstFailure } from './campaign.ts';
import { describeStep } from './history.ts';
import { mutations } from './mutations.ts';
import { drawPlan } from './plan.ts';

test(
  'a failing seed shrinks to fewer steps, and its story tells them and the invariant',
  { timeout: 120_000 },
  async () => {
    const mutation = mutations.find(({ name }) => name === 'marks are not kept');

    const failure = mutation && (await firstFailure({ firstSeed: 1, histories: 1_000, mutation }));
    const { seed = 0, plan, story = '' } = failure ?? {};

    expect(plan?.steps.length).toBeLessThan(drawPlan(seed).steps.length);
    for (const step of plan?.steps ?? []) expect(story).toContain(describeStep(step));
    expect(story).toContain('Invariant 5: ');
  },
);
