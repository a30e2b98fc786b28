import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { foreignCertificate, putForApi } from '../stream/api-certificate.ts';
import { channelOf, connected, peerOf, peersOf } from './support/cluster-view.ts';
import { ClusterNode, type Answer } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { idsOf, insert, makeTable, peerRowsOf, shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const second = ['default', 'second'] as const;
const both = { channel: 'default:shared', publish: true, subscribe: true } as const;

describe.concurrent('a node that is down when it is added', () => {
  test('is accepted, tried again, reported as closed, and connects by itself when it starts', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    await makeTable(host, place);
    await edge.stop();
    // Nothing between nodes.
    putForApi(join(edge.rootPath, 'keys'), await foreignCertificate());
    const expected = new ExpectedWinners();
    const recorder = new Recorder(host, place, expected);
    await recorder.insert({ id: 'before' });

    // Straight to its port: nobody listens there.
    const added = await host.op({
      operation: 'add_node',
      name: 'edge',
      ...edge.address,
      subscriptions: [both],
    });

    expect(added).toEqual({ status: 200, body: { message: "Successfully added 'edge' to manifest" } });
    const told = await peerOf(host, 'edge');
    expect(told).toMatchObject({ status: 'closed', host: edge.address.host, port: edge.address.port });
    expect(told?.reason).toMatch(/ECONNREFUSED|refused|reached/i);
    await recorder.insert({ id: 'while-down' });
    await host.restart();
    expect(await peerOf(host, 'edge')).toMatchObject({ status: expect.stringMatching(/closed|connecting/) });

    await edge.start();
    await connected(host, edge);
    await waitFor('the table at the edge', () => edge.hasTable(...place));
    await new Recorder(edge, place, expected).upsert({ id: 'from-the-edge' });
    await recorder.insert({ id: 'after' });
    expect((await converged(pair.nodes, place, expected)).size).toBe(4);
  });

  test('and turns out to be of another cluster is reported as refused', async () => {
    await using host = await ClusterNode.start('host');
    await using stranger = await ClusterNode.start('stranger');
    await stranger.stop();
    await makeTable(host, place);
    await host.must({ operation: 'add_node', name: 'stranger', ...stranger.address, subscriptions: [both] });

    await stranger.start({ CLUSTERING_PASSWORD: 'another secret' });

    const told = await waitFor('the refusal', async () => {
      const view = await peerOf(host, 'stranger');
      return view?.status === 'refused' && view;
    });
    expect(told.reason).toMatch(/CLUSTERING_PASSWORD/);
    expect(await peersOf(stranger)).toEqual([]);
    // The operator corrects it; nothing has to be added again.
    await stranger.stop();
    await stranger.start();
    await connected(host, stranger);
  });
});

describe.concurrent('a node that does not want us', () => {
  test.each([
    { what: 'password', environment: { CLUSTERING_PASSWORD: 'another secret' } },
    { what: 'user', environment: { CLUSTERING_USER: 'another_user' } },
  ])('because of another cluster $what is an error, and nothing is stored', async ({ environment }) => {
    await using host = await ClusterNode.start('host');
    await using stranger = await ClusterNode.start('stranger', environment);
    await makeTable(host, place);

    const { status, body } = await host.op({
      operation: 'add_node',
      name: 'stranger',
      ...stranger.address,
      subscriptions: [both],
    });

    expect(status).toBe(400);
    expect(body).toEqual({ error: expect.stringMatching(/stranger.*CLUSTERING_USER.*CLUSTERING_PASSWORD/) });
    for (const node of [host, stranger]) {
      expect(await peersOf(node)).toEqual([]);
      expect(await peerRowsOf(node)).toEqual([]);
    }
    // Still after it was asked again, and after a restart.
    await host.restart();
    expect(await peersOf(host)).toEqual([]);
    expect(await peersOf(stranger)).toEqual([]);
  });

  test('because our name is taken by a node that is connected is a conflict, and that node keeps its place', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    await using impostor = await ClusterNode.start('edge');
    await makeTable(impostor, place);
    await insert(impostor, place, 'forged');
    const before = await peerRowsOf(host);

    const { status, body } = await impostor.op({
      operation: 'add_node',
      name: 'host',
      ...host.address,
      subscriptions: [both],
    });

    expect(status).toBe(409);
    expect(body).toEqual({ error: expect.stringMatching(/'edge'.*host/) });
    expect(await peerRowsOf(impostor)).toEqual([]);
    expect(await peerRowsOf(host)).toEqual(before);
    await connected(host, edge);
    const expected = new ExpectedWinners();
    await new Recorder(edge, place, expected).insert({ id: 1 });
    await converged(pair.nodes, place, expected);

    // Under another name, with what an image of the edge brings: one key is never two peers.
    const twin = { CLUSTERING_NODENAME: 'twin', NODE_NAME: 'twin' };
    const theirKeys = join(impostor.rootPath, 'keys');
    await impostor.stop();
    cpSync(join(edge.rootPath, 'keys'), theirKeys, { recursive: true });
    await impostor.start(twin);
    const add = async (node: ClusterNode, name: string, address: object): Promise<Answer> =>
      node.op({ operation: 'add_node', name, ...address, subscriptions: [both] });
    // Who asks has a bridge that runs, and can be asked then.
    for (const answer of [
      await add(impostor, 'host', host.address),
      await add(host, 'twin', impostor.address),
    ])
      expect(answer).toEqual({
        status: 400,
        body: { error: expect.stringMatching(/'twin' has the key of 'edge'.*'keys'/) },
      });
    expect(await peerRowsOf(host)).toEqual(before);

    await impostor.stop();
    rmSync(theirKeys, { recursive: true });
    await impostor.start(twin);
    await host.must({ operation: 'add_node', name: 'twin', ...impostor.address, subscriptions: [both] });
    await waitFor('its row at the edge', async () => (await idsOf(edge, place)).includes('forged'));
  });

  test('because it is another one than was named is told by cluster_status', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;

    await host.op({ operation: 'add_node', name: 'nobody', ...edge.address, subscriptions: [both] });

    const told = await peerOf(host, 'nobody');
    expect(told).toMatchObject({ status: 'closed' });
    expect(told?.reason).toMatch(/'edge'.*'nobody'/);
  });

  test('because it is this node itself is an error', async () => {
    await using host = await ClusterNode.start('host');

    const { status } = await host.op({
      operation: 'add_node',
      name: 'host',
      ...host.address,
      subscriptions: [both],
    });

    expect(status).toBe(400);
    expect(await peersOf(host)).toEqual([]);

    const other = await host.op({
      operation: 'add_node',
      name: 'other',
      ...host.address,
      subscriptions: [both],
    });
    expect(other).toEqual({ status: 409, body: { error: expect.stringContaining('this node itself') } });
    expect(await peersOf(host)).toEqual([]);
  });
});

describe.concurrent('the dialect of 4.0 to 4.3', () => {
  const subscription = { schema: 'default', table: 'shared', publish: true, subscribe: true };

  test('finds the node by a route and names it without an address', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    await makeTable(host, place);
    const expected = new ExpectedWinners();
    await new Recorder(host, place, expected).insert({ id: 'host' });

    const route = pair.link.address;
    expect(
      await host.must({ operation: 'cluster_set_routes', server: 'hub', routes: [route] }),
    ).toMatchObject({ message: 'cluster routes successfully set', set: [route], skipped: [] });
    expect(await host.must({ operation: 'cluster_get_routes' })).toEqual({ hub: [route], leaf: [] });
    const added = await host.must({
      operation: 'add_node',
      node_name: 'edge',
      subscriptions: [subscription],
    });

    expect(added).toEqual({ message: "Successfully added 'edge' to manifest" });
    await connected(host, edge);
    await waitFor('the table at the edge', () => edge.hasTable(...place));
    await new Recorder(edge, place, expected).insert({ id: 'edge' });
    expect((await converged(pair.nodes, place, expected)).size).toBe(2);

    // Another address of the edge, and our own.
    await host.must({ operation: 'cluster_set_routes', routes: [edge.address, host.address] });
    await waitFor('a word about the other routes', () =>
      host.log.includes('route leads to this node itself'),
    );
    expect(await peerOf(host, edge)).toMatchObject({ status: 'open', ...route });
  });

  test('adds a node before the route to it is known', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    await makeTable(host, place);
    await host.must({ operation: 'add_node', node_name: 'edge', subscriptions: [subscription] });
    expect(await peerOf(host, edge)).toMatchObject({
      status: 'closed',
      reason: expect.stringContaining('address'),
    });

    await host.must({ operation: 'cluster_set_routes', server: 'hub', routes: [pair.link.address] });

    await connected(host, edge);
    const expected = new ExpectedWinners();
    await new Recorder(host, place, expected).insert({ id: 1 });
    await converged(pair.nodes, place, expected);
  });
});

describe.concurrent('channels of a known node', () => {
  test('change their direction with update_node and set_node_replication', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    for (const one of [place, second]) await makeTable(host, one);
    await pair.connect([{ channel: 'default:shared', publish: true, subscribe: false }]);
    await insert(host, place, 'host-1');
    await waitFor('host-1 at the edge', async () => (await idsOf(edge, place)).includes('host-1'));

    expect(
      await host.must({
        operation: 'update_node',
        name: 'edge',
        subscriptions: [{ channel: 'default:shared', publish: false, subscribe: true }],
      }),
    ).toEqual({ message: "Successfully updated 'edge'" });
    await waitFor('the edge to know', async () => {
      const channel = await channelOf(edge, host, place);
      return channel?.publish === true && !channel.subscribe;
    });
    expect(await channelOf(host, edge, place)).toMatchObject({ publish: false, subscribe: true });
    await insert(host, place, 'host-2');
    await insert(edge, place, 'edge-1');
    await waitFor('edge-1 at the host', async () => (await idsOf(host, place)).includes('edge-1'));

    // Another channel by the other operation; what comes through it came later than what must not come.
    expect(
      await host.must({
        operation: 'set_node_replication',
        node_name: 'edge',
        subscriptions: [{ schema: 'default', table: 'second', publish: true, subscribe: true }],
      }),
    ).toEqual({ message: "Successfully updated 'edge'" });
    await insert(host, second, 'marker');
    await waitFor('the marker at the edge', async () => (await idsOf(edge, second)).includes('marker'));
    expect(await idsOf(edge, place)).toEqual(['edge-1', 'host-1']);
    expect(await idsOf(host, place)).toEqual(['edge-1', 'host-1', 'host-2']);

    // Open again in the first direction: what was written meanwhile follows.
    await edge.must({
      operation: 'update_node',
      name: 'host',
      subscriptions: [{ channel: 'default:shared', publish: true, subscribe: true }],
    });
    await waitFor('host-2 at the edge', async () => (await idsOf(edge, place)).includes('host-2'));
  });

  test('are added with the node by set_node_replication; update_node refuses a node that is not known', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    await makeTable(host, place);

    const unknown = await host.op({ operation: 'update_node', name: 'edge', subscriptions: [both] });
    expect(unknown.status).toBe(400);
    expect(await peersOf(host)).toEqual([]);

    await host.must({
      operation: 'set_node_replication',
      name: 'edge',
      ...pair.link.address,
      subscriptions: [both],
    });
    await connected(host, edge);
    await insert(host, place, 'one');
    await waitFor('the row at the edge', async () => (await idsOf(edge, place)).includes('one'));
  });

  test('are replaced with all nodes by configure_cluster', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    await using third = await ClusterNode.start('third');
    await makeTable(host, second);

    const answer = await host.must({
      operation: 'configure_cluster',
      connections: [
        {
          name: 'third',
          ...third.address,
          subscriptions: [{ channel: 'default:second', publish: true, subscribe: false }],
        },
      ],
    });

    expect(answer).toEqual({ message: 'Cluster successfully configured.' });
    await connected(host, third);
    expect((await peersOf(host)).map(({ node_name: name }) => name)).toEqual(['third']);
    await waitFor('the edge to have forgotten the host', async () => (await peersOf(edge)).length === 0);
    await insert(host, place, 'stays');
    await insert(host, second, 'goes');
    await waitFor('the row at the third', async () => (await idsOf(third, second)).includes('goes'));
    expect(await idsOf(edge, place)).toEqual([]);
    expect(await third.hasTable(...place)).toBe(false);

    // Back: the same operation, the other way round.
    await host.must({
      operation: 'configure_cluster',
      connections: [{ name: 'edge', ...pair.link.address, subscriptions: [both] }],
    });
    await waitFor('the row at the edge', async () => (await idsOf(edge, place)).includes('stays'));
    await waitFor('the third to have forgotten the host', async () => (await peersOf(third)).length === 0);
  });

  test('and nodes are listed by cluster_network', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    await connected(host, edge);
    await waitFor('both in the network', async () => {
      const nodes = await network(host);
      return nodes.every(({ connected_nodes: names }) => Array.isArray(names) && names.length === 1);
    });
    const nodes = await network(host);
    expect(nodes).toEqual([
      {
        name: 'host',
        response_time: expect.any(Number),
        connected_nodes: ['edge'],
        routes: [],
      },
      { name: 'edge', response_time: expect.any(Number), connected_nodes: ['host'], routes: [] },
    ]);
    expect(await network(host, { connected_nodes: true, routes: true })).toEqual([
      { name: 'host', response_time: expect.any(Number) },
      { name: 'edge', response_time: expect.any(Number) },
    ]);
    expect((await network(edge)).map(({ name }) => name)).toEqual(['edge', 'host']);

    // A peer that is down is still a peer; it has no response time.
    await edge.stop();
    const without = await network(host, { timeout: 500 });
    expect(without.map(({ name }) => name)).toEqual(['host', 'edge']);
    await waitFor(
      'no response time of the edge',
      async () => !('response_time' in ((await network(host))[1] ?? {})),
    );
  });

  test('and the routes that were set are in cluster_network at the node and at its peers', async ({
    expect,
  }) => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    const route = { host: '127.0.0.1', port: 1 };

    await host.must({ operation: 'cluster_set_routes', server: 'hub', routes: [route] });

    const seen = async (node: ClusterNode): Promise<unknown> =>
      (await network(node)).find(({ name }) => name === 'host')?.['routes'];
    for (const node of [host, edge])
      await expect.poll(() => seen(node), { timeout: 10_000 }).toEqual([route]);
  });
});

type NetworkView = Readonly<Record<string, unknown>>;

async function network(node: ClusterNode, options = {}): Promise<readonly NetworkView[]> {
  const answer = await node.must({ operation: 'cluster_network', ...options });
  return (answer as { readonly nodes: readonly NetworkView[] }).nodes;
}
