import type { ClusterNode } from './cluster-node.ts';
import { differences, type ExpectedWinners, type Rows } from './expected-winners.ts';
import type { Place } from './tables.ts';
import { waitFor } from './wait-for.ts';

/** A record may be long; what is wrong with it shows at its beginning. */
const maxLineLength = 600;

/**
 * Waits until all nodes hold the table byte for byte the same and exactly what was acknowledged.
 *
 * @throws with the first rows that are wrong, and what the nodes say about the channel
 */
export async function converged(
  nodes: readonly ClusterNode[],
  [database, table]: Place,
  expected: ExpectedWinners,
  { limitMs = 30_000 }: { readonly limitMs?: number } = {},
): Promise<Rows> {
  const [one, ...others] = nodes;
  if (!one) throw new Error('no nodes to compare');
  try {
    return await waitFor(
      `${database}:${table} to be the same on ${nodes.map(({ name }) => name).join(' and ')}`,
      async () => {
        const [first, ...rest] = await Promise.all(nodes.map((node) => node.rows(database, table)));
        if (!first) return undefined;
        const wrong = [
          ...rest.flatMap((rows, index) =>
            differences(first, rows).map((line) => `differs at ${others[index]?.name}: ${line}`),
          ),
          ...expected.problems(first).map((line) => `at ${one.name}: ${line}`),
        ];
        if (wrong.length > 0) throw new Error(wrong.map((line) => line.slice(0, maxLineLength)).join('\n'));
        return first;
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
