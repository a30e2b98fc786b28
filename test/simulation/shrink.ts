import { runHistory, type Outcome } from './history.ts';
import type { Mutation } from './mutations.ts';
import type { Plan } from './plan.ts';

/** The plan with as few steps as still break the same invariant, and what happens in it. Call it from a macrotask. */
export function shrink(
  plan: Plan,
  mutation: Mutation,
  maxRuns = 400,
): { readonly plan: Plan; readonly outcome: Outcome } {
  const wanted = runHistory(plan, mutation).violation?.invariant;
  if (wanted === undefined) return { plan, outcome: runHistory(plan, mutation, true) };
  let smallest = plan;
  let runs = 0;
  const fails = (candidate: Plan): boolean => {
    runs += 1;
    return runHistory(candidate, mutation).violation?.invariant === wanted;
  };
  for (
    let size = Math.ceil(plan.steps.length / 2);
    size >= 1 && runs < maxRuns;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    let isSmaller = true;
    while (isSmaller && runs < maxRuns) {
      isSmaller = false;
      for (let at = smallest.steps.length - size; at >= 0 && runs < maxRuns; at -= size) {
        const steps = smallest.steps.toSpliced(at, size);
        if (!fails({ ...smallest, steps })) continue;
        smallest = { ...smallest, steps };
        isSmaller = true;
      }
      if (size > 1) break;
    }
  }
  smallest = withLess(smallest, fails);
  return { plan: smallest, outcome: runHistory(smallest, mutation, true) };
}

/** Without the nodes, tables and agreements that do not matter. */
function withLess(plan: Plan, fails: (candidate: Plan) => boolean): Plan {
  let smallest = plan;
  for (const { name } of plan.config.nodes) {
    const { config } = smallest;
    const names = new Set(
      smallest.steps.flatMap((step) => Object.values(step).filter((value) => value === name)),
    );
    if (names.size > 0 || config.nodes.length < 3) continue;
    const candidate: Plan = {
      ...smallest,
      config: {
        ...config,
        nodes: config.nodes.filter((node) => node.name !== name),
        pairs: config.pairs.filter(({ a, b }) => a !== name && b !== name),
      },
    };
    if (fails(candidate)) smallest = candidate;
  }
  for (const table of plan.config.tables) {
    const { config } = smallest;
    if (config.tables.length < 2 || JSON.stringify(smallest.steps).includes(`"${table}"`)) continue;
    const candidate: Plan = {
      ...smallest,
      config: {
        ...config,
        tables: config.tables.filter((one) => one !== table),
        pairs: config.pairs.map((pair) => ({
          ...pair,
          agreements: pair.agreements.filter((agreement) => agreement.table !== table),
        })),
      },
    };
    if (fails(candidate)) smallest = candidate;
  }
  return smallest;
}
