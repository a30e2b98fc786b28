import { describe, expect, test } from 'vitest';
import { msToVersion } from '../../src/model/version-clock.ts';
import { connected, peerOf, peersOf } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { greet, proven } from './support/forged.ts';
import { GuardedCluster } from './support/guarded-cluster.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { idsOf, makeTable, shared as place } from './support/tables.ts';
import { TcpProxy } from './support/tcp-proxy.ts';
import { waitFor } from './support/wait-for.ts';

const both = { channel: 'default:shared', publish: true, subscribe: true } as const;

describe.each(['host', 'edge'] as const)('remove_node at the %s, where only the host dials,', (remover) => {
  test('makes both forget each other, for good, until it is added again', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    const [here, there] = remover === 'host' ? [host, edge] : [edge, host];
    const expected = new ExpectedWinners();
    const [atHost, atEdge] = pair.nodes.map((node) => new Recorder(node, place, expected));
    await atHost?.insert({ id: 'shared' });
    await converged(pair.nodes, place, expected);

    expect(await here.must({ operation: 'remove_node', name: there.name })).toEqual({
      message: `Successfully removed '${there.name}' from manifest`,
    });

    expect(await peersOf(here)).toEqual([]);
    await waitFor(
      `${there.name} to have forgotten ${here.name}`,
      async () => (await peersOf(there)).length === 0,
    );
    const again = await here.op({ operation: 'remove_node', name: there.name });
    expect(again.status).toBe(400);
    await atHost?.insert({ id: 'host-alone' });
    await atEdge?.insert({ id: 'edge-alone' });
    await atEdge?.delete('shared');
    await Promise.all(pair.nodes.map((node) => node.restart()));
    for (const node of pair.nodes) expect(await peersOf(node)).toEqual([]);
    expect(await idsOf(host, place)).toEqual(['host-alone', 'shared']);
    expect(await idsOf(edge, place)).toEqual(['edge-alone']);

    await pair.connect([both]);
    await connected(host, edge);
    expect([...(await converged(pair.nodes, place, expected)).keys()].map(String).toSorted()).toEqual([
      'edge-alone',
      'host-alone',
    ]);
    await atHost?.insert({ id: 'host-again' });
    await atEdge?.insert({ id: 'edge-again' });
    expect((await converged(pair.nodes, place, expected)).size).toBe(4);
  });

  test('while the other is down is learnt by it when it is back, where both dial', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    await pair.dialBack([both]);
    await connected(host, edge);
    const [here, there] = remover === 'host' ? [host, edge] : [edge, host];
    const way = remover === 'host' ? pair.link : pair.backLink;
    await using nowhere = await TcpProxy.to(() => there.address);
    nowhere.block();
    await here.must({ operation: 'add_node', name: 'nowhere', ...nowhere.address, subscriptions: [] });
    const retries = (count: number): Promise<boolean> => {
      const wanted = nowhere.counters.refused + count;
      return waitFor(`${count} dials of another peer`, () => nowhere.counters.refused >= wanted, {
        limitMs: 60_000,
      });
    };
    await there.stop();
    const { accepted: before } = way.counters;
    await waitFor(`${here.name} to dial in vain`, () => way.counters.accepted > before + 1);
    // From now on its retries are as far apart as any become.
    await retries(6);

    await here.must({ operation: 'remove_node', name: there.name });
    expect((await peersOf(here)).map(({ node_name: name }) => name)).toEqual(['nowhere']);
    // A dial that was under way is over by then, and whoever is still retried is retried three times.
    await retries(2);
    const { accepted } = way.counters;
    await retries(3);
    expect(way.counters.accepted).toBe(accepted);
    await here.must({ operation: 'remove_node', name: 'nowhere' });
    expect(await peersOf(here)).toEqual([]);
    await there.start();

    await waitFor(
      `${there.name} to have forgotten ${here.name}`,
      async () => (await peersOf(there)).length === 0,
    );
    await here.restart();
    expect(await peersOf(here)).toEqual([]);
    await pair.connect([both]);
    await connected(host, edge);
    const expected = new ExpectedWinners();
    for (const node of pair.nodes) await new Recorder(node, place, expected).insert({ id: node.name });
    expect((await converged(pair.nodes, place, expected)).size).toBe(2);
  });
});

test('a node that was removed while it was down does not come back by another route, until it is added again', async () => {
  await using pair = await Pair.start();
  const { host, edge } = pair;
  await makeTable(host, place);
  // Its row has the first; where the second leads it has to find out after each start.
  await host.must({ operation: 'cluster_set_routes', routes: [pair.link.address, edge.address] });
  await host.must({
    operation: 'add_node',
    node_name: 'edge',
    subscriptions: [{ schema: 'default', table: 'shared', publish: true, subscribe: true }],
  });
  await connected(host, edge);
  await host.stop();

  await edge.must({ operation: 'remove_node', name: 'host' });
  await host.start();

  await waitFor('the host to have forgotten the edge', async () => (await peersOf(host)).length === 0);
  expect(await peersOf(edge)).toEqual([]);
  const looks = (): number => host.log.split('route leads to no node that may be joined').length;
  const before = looks();
  await host.restart();
  await waitFor('the host to have looked at its routes', () => looks() > before);
  expect([await peersOf(host), await peersOf(edge)]).toEqual([[], []]);

  await host.must({ operation: 'add_node', name: 'edge', subscriptions: [both] });
  await connected(host, edge);
  // It may have been removed before it had made the table.
  await waitFor('the table at the edge', async () => edge.hasTable(...place));
  const expected = new ExpectedWinners();
  for (const node of pair.nodes) await new Recorder(node, place, expected).insert({ id: node.name });
  expect((await converged(pair.nodes, place, expected)).size).toBe(2);
});

describe('where the clock of a peer is a minute ahead', () => {
  const aheadMs = 60_000;

  test('a decision that is taken after its decision was heard still replaces that', async () => {
    await using cluster = await GuardedCluster.start();
    await using client = await cluster.withGuestKey();
    const { vault } = cluster;
    await makeTable(vault, ['default', 'extra']);
    const extra = { database: 'default', table: 'extra', publish: false, subscribe: true };
    const theirs = await proven('guest', 'vault', { ...extra, version: msToVersion(Date.now() + aheadMs) });
    const agreed = async (): Promise<unknown> => {
      const view = await peerOf(vault, 'guest');
      return view?.subscriptions.find(({ table }) => table === 'extra')?.publish;
    };
    await greet(client, 'guest', [theirs]);
    await waitFor('the decision to be taken over', async () => (await agreed()) === true);

    await vault.must({
      operation: 'update_node',
      name: 'guest',
      subscriptions: [{ channel: 'default:extra', publish: false, subscribe: false }],
    });
    expect(await agreed()).toBe(false);
    await using again = await cluster.withGuestKey();
    await greet(again, 'guest', [theirs]);

    expect(await agreed()).toBe(false);
  });

  test('a node that it has left can be added again at once', async () => {
    await using cluster = await GuardedCluster.start();
    const { vault, guest } = cluster;
    {
      await using client = await cluster.withGuestKey();
      // The vault may end the connection of a node that it has just forgotten before it answers.
      await greet(client, 'guest', [], { removedVersion: msToVersion(Date.now() + aheadMs) }).catch(
        () => undefined,
      );
    }
    await waitFor(
      'the vault to have forgotten the guest',
      async () => (await peerOf(vault, 'guest')) === undefined,
    );

    await guest.start();
    await vault.must({
      operation: 'add_node',
      name: 'guest',
      ...guest.address,
      subscriptions: [{ channel: 'default:open', publish: true, subscribe: true }],
    });

    await connected(vault, guest);
    expect(await peerOf(vault, guest)).toMatchObject({
      subscriptions: expect.arrayContaining([expect.objectContaining({ table: 'open' })]),
    });
  });
});
