import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tearNodeRow } from '../store/tear-node-row.ts';
import { peerOf } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Network } from './support/network.ts';
import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

test('a row of hdb_nodes that cannot be read ends what goes to and fro with that peer, removes nobody, and stops no other; add_node goes on without a copy', async () => {
  await using network = await Network.sharing(place, [
    ['a', 'hub'],
    ['b', 'hub'],
  ]);
  const [a, b, hub] = ['a', 'b', 'hub'].map((name) => network.node(name));
  if (!a || !b || !hub) throw new Error('a node is missing');
  const expected = new ExpectedWinners();
  const [atA, atB, atHub] = [a, b, hub].map((node) => new Recorder(node, place, expected));
  await atHub?.insert(
    ...Array.from({ length: 1_000 }, (_, id) => ({ id, text: randomBytes(400).toString('hex') })),
  );
  await converged(network.nodes, place, expected);
  const tableBytes = network.link('a', 'hub').counters.forwardedBytes;
  expect(tableBytes).toBeGreaterThan(400_000);

  await hub.stop();
  await tearNodeRow(join(hub.rootPath, 'database'), 'a');
  await hub.start();

  const alarms = async (): Promise<readonly string[]> =>
    ((await hub.must({ operation: 'cluster_status' })) as { readonly alarms: readonly string[] }).alarms;
  await waitFor('an alarm', async () =>
    (await alarms()).some((text) => text.includes('row of a in system.hdb_nodes')),
  );
  await atB?.insert({ id: 'from b' });
  await atHub?.update({ id: 1, text: 'from the hub' });
  await converged([b, hub], place, expected);
  await atA?.insert({ id: 'from a' });
  await waitFor('a to be refused with the reason', async () => {
    const view = await peerOf(a, hub);
    if (!view?.reason?.includes("hub cannot read what it knows of 'a'"))
      throw new Error(JSON.stringify(view));
    return true;
  });
  expect((await hub.rows(...place)).has('from a')).toBe(false);

  const before = network.link('a', 'hub').counters.forwardedBytes;
  await hub.must({
    operation: 'add_node',
    name: 'a',
    subscriptions: [{ channel: place.join(':'), publish: true, subscribe: true }],
  });

  expect((await converged(network.nodes, place, expected)).size).toBe(1_002);
  expect(await alarms()).toEqual([]);
  expect(network.link('a', 'hub').counters.forwardedBytes - before).toBeLessThan(tableBytes / 4);
});
