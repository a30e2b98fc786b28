import type { ClusterNode } from './cluster-node.ts';
import { differences, type ExpectedWinners, type Rows } from './expected-winners.ts';
import { waitFor } from './wait-for.ts';

/**
 * Waits until both nodes hold the table byte for byte the same and exactly what was acknowledged.
 *
 * @throws with the first rows that are wrong, and what both nodes say about the channel
 */
export async function converged(
  nodes: readonly [ClusterNode, ClusterNode],
  [database, table]: readonly [string, string],
  expected: ExpectedWinners,
  { limitMs = 30_000 }: { readonly limitMs?: number } = {},
): Promise<Rows> {
  const [one, other] = nodes;
  try {
    return await waitFor(
      `${database}:${table} to be the same on ${one.name} and ${other.name}`,
      async () => {
        const [left, right] = await Promise.all([one.rows(database, table), other.rows(database, table)]);
        const wrong = [
          ...differences(left, right).map((line) => `differs: ${line}`),
          ...expected.problems(left).map((line) => `at ${one.name}: ${line}`),
        ];
        if (wrong.length > 0) throw new Error(wrong.join('\n'));
        return left;
      },
      { limitMs, everyMs: 200 },
    );
  } catch (error) {
    const told = await Promise.all(
      nodes.map((node) => node.op({ operation: 'cluster_status' }).catch(String)),
    );
    throw new Error(
      `${error instanceof Error ? error.message : String(error)}\n${told.map((status) => JSON.stringify(status)).join('\n')}`,
      { cause: error },
    );
  }
}
