import { runHistory } from './history.ts';
import { none, type Mutation } from './mutations.ts';
import { drawPlan, type Plan } from './plan.ts';
import { inMacrotask } from './scheduler.ts';
import { shrink } from './shrink.ts';

/** Seeds that broke an invariant; each of them as small as it gets. */
export interface Failure {
  readonly seed: number;
  readonly invariant: number;
  readonly plan: Plan;
  readonly story: string;
}

export interface CampaignOptions {
  readonly firstSeed: number;
  readonly histories: number;
  readonly mutation?: Mutation;
  /** After each of these many, how far it is. */
  readonly onProgress?: (ran: number) => void;
  /** Ends it early. */
  readonly isOver?: () => boolean;
}

const atOnce = 20;

/** Runs histories until one breaks an invariant; what it comes down to. */
export async function firstFailure(options: CampaignOptions): Promise<Failure | undefined> {
  const { mutation = none } = options;
  const found = await firstBroken(options);
  if (!found) return undefined;
  const failure = await mutated(mutation, async () =>
    failureOf(drawPlan(found.seed, mutation.faults), mutation),
  );
  if (!failure) throw new Error(`Seed ${found.seed} broke an invariant, and did not when it was run again`);
  return failure;
}

/** Runs histories until one breaks an invariant. */
export async function firstBroken(
  options: CampaignOptions,
): Promise<Pick<Failure, 'seed' | 'invariant'> | undefined> {
  const { firstSeed, histories, mutation = none, onProgress, isOver } = options;
  return mutated(mutation, async () => {
    for (let ran = 0; ran < histories && isOver?.() !== true; ran += atOnce) {
      const count = Math.min(atOnce, histories - ran);
      const found = await inMacrotask(() => firstOf(firstSeed + ran, count, mutation));
      onProgress?.(ran + count);
      if (found) return found;
    }
    return undefined;
  });
}

async function mutated<T>(mutation: Mutation, body: () => Promise<T>): Promise<T> {
  const uninstall = mutation.install?.();
  try {
    return await body();
  } finally {
    uninstall?.();
  }
}

/** Runs one plan; what it breaks, told in full. */
export async function failureOf(plan: Plan, mutation: Mutation = none): Promise<Failure | undefined> {
  return inMacrotask(() => {
    const { plan: smallest, outcome } = shrink(plan, mutation);
    const { violation } = outcome;
    if (!violation) return undefined;
    return {
      seed: plan.config.seed,
      invariant: violation.invariant,
      plan: smallest,
      story: [
        `Seed ${plan.config.seed}: ${JSON.stringify({ ...smallest.config, seed: undefined })}`,
        ...outcome.story,
        `Invariant ${violation.invariant}: ${violation.message}`,
        ...violation.facts.map((fact) => `    ${fact}`),
      ].join('\n'),
    };
  });
}

function firstOf(
  firstSeed: number,
  count: number,
  mutation: Mutation,
): Pick<Failure, 'seed' | 'invariant'> | undefined {
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    const { violation } = runHistory(drawPlan(seed, mutation.faults), mutation);
    if (violation) return { seed, invariant: violation.invariant };
  }
  return undefined;
}
