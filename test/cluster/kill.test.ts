import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load } from './support/load.ts';
import { isRunning, type ProcessName } from './support/node-processes.ts';
import { Pair } from './support/pair.ts';
import { Random } from './support/random.ts';
import { waitFor } from './support/wait-for.ts';

const place = ['default', 'shared'] as const;
const processes: readonly ProcessName[] = ['api', 'bridge', 'nats'];
const rounds = 3;

/** Kills one process of a node; resolves when the node is whole again, by itself or, for its api, by hand. */
async function killAndRecover(node: ClusterNode, which: ProcessName): Promise<void> {
  const before = await node.whole();
  const pid = await node.kill(which);
  expect(pid).toBe(before[which]);
  if (which !== 'api') {
    await waitFor(`a new ${which} of ${node.name}`, async () => (await node.whole())[which] !== pid);
    return;
  }
  await waitFor(
    `the bridge and nats-server of ${node.name} to follow their parent`,
    () => !isRunning(before.bridge) && !isRunning(before.nats),
    { limitMs: 5_000 },
  );
  await node.start();
}

test.each([1, 2])(
  'kill -9 of any of the six processes during writes on both sides loses nothing and invents nothing, seed %i',
  async (seed) => {
    await using pair = await Pair.sharing(place);
    if (seed % 2 === 0) await pair.dialBack();
    const random = new Random(seed);
    const expected = new ExpectedWinners();
    await using hostLoad = new Load({ node: pair.host, place, expected, seed });
    await using edgeLoad = new Load({ node: pair.edge, place, expected, seed });
    const loads = new Map([
      [pair.host, hostLoad],
      [pair.edge, edgeLoad],
    ]);
    const targets = pair.nodes.flatMap((node) => processes.map((which) => ({ node, which })));
    const victims = Array.from({ length: rounds }, () => random.shuffle(targets)).flat();

    for (const { node, which } of victims) {
      // Rows are on their way on both sides when the process dies.
      await Promise.all([...loads.values()].map((load) => load.advance(5)));
      await pause(random.between(0, 400));
      await killAndRecover(node, which);
    }
    await Promise.all([...loads.values()].map((load) => load.advance(20)));
    await Promise.all([hostLoad.stop(), edgeLoad.stop()]);

    const rows = await converged(pair.nodes, place, expected, { limitMs: 40_000 });
    expect(rows.size).toBeGreaterThan(100);
    // A killed api leaves requests without an answer: the kills did fall into writes.
    expect(expected.unanswered).toBeGreaterThan(0);
    expect(new Set(victims.map(({ node, which }) => `${which} of ${node.name}`)).size).toBe(6);
  },
);
