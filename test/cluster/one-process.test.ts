import { expect, test } from 'vitest';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load } from './support/load.ts';
import { Pair } from './support/pair.ts';
import { isRunning } from './support/node-processes.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const inOne = { BRIDGE_INPROCESS: 'true' };

test('nodes whose bridge runs in the api process lose nothing when a link is cut and their processes are killed', async () => {
  await using pair = await Pair.sharing(place, { host: inOne, edge: inOne });
  const { host, edge } = pair;
  const expected = new ExpectedWinners();
  await using hostLoad = new Load({ node: host, place, expected, seed: 1, writers: 2 });
  await using edgeLoad = new Load({ node: edge, place, expected, seed: 2, writers: 2 });
  const loads = [hostLoad, edgeLoad];
  const writes = async (requests: number): Promise<unknown> =>
    Promise.all(loads.map((load) => load.advance(requests)));

  await writes(30);
  for (const node of pair.nodes) expect(node.pids()).toMatchObject({ bridge: undefined });
  await pair.cut();
  await writes(30);
  pair.mend();
  await writes(10);
  for (const node of pair.nodes) {
    const nats = await node.kill('nats');
    await writes(10);
    await waitFor(`a new nats-server of ${node.name}`, () => ![undefined, nats].includes(node.pids().nats));
  }
  for (const node of pair.nodes) {
    const { nats } = node.pids();
    await node.kill('api');
    await waitFor(
      `the nats-server of ${node.name} to follow its parent`,
      () => nats !== undefined && !isRunning(nats),
    );
    await node.start();
    await writes(10);
  }
  await Promise.all(loads.map((load) => load.stop()));

  const rows = await converged(pair.nodes, place, expected);
  expect(rows.size).toBeGreaterThan(100);
  await host.stop();
  await edge.stop();
});
