import { expect, test } from 'vitest';
import { CodedError } from '../../src/model/errors.ts';
import { legacy, openCluster } from './open-cluster.ts';
import { clusterUser } from './open-context.ts';

test('add_node of 3.x stores address and channels, split at the first colon, and connects', async () => {
  await using t = await openCluster();

  expect(await t.call(legacy)).toEqual({ message: "Successfully added 'edge' to manifest" });

  expect(t.replication.connected).toEqual(['edge']);
  expect(t.store.nodes.get('edge')).toMatchObject({
    name: 'edge',
    host: 'edge.local',
    port: 62344,
    subscriptions: [
      { database: 'default', table: 'sensor_data', subscribe: true, publish: false },
      { database: 'default', table: 'a:b', subscribe: false, publish: true },
    ],
  });
});

test('add_node of 4.0 merges into the node, keeps its address and undoes a stop', async () => {
  await using t = await openCluster();
  await t.call(legacy);
  const row = t.store.nodes.get('edge') ?? expect.fail('no row');
  await t.store.nodes.put({
    ...row,
    nkey: 'U1',
    subscriptions: row.subscriptions.map((one) => ({ ...one, stopped: 'dropped here' })),
  });

  const answer = await t.call({
    operation: 'add_node',
    node_name: 'edge',
    subscriptions: [
      {
        schema: 'default',
        table: 'sensor_data',
        publish: true,
        subscribe: true,
        start_time: '2024-01-02T03:04:05.678Z',
        priority: 9,
      },
    ],
  });

  expect(answer).toEqual({ message: "Successfully added 'edge' to manifest" });
  const after = t.store.nodes.get('edge');
  expect(after).toMatchObject({ host: 'edge.local', port: 62344, nkey: 'U1' });
  expect(after?.addedVersion).toBeGreaterThan(row.addedVersion);
  expect(after?.subscriptions.find(({ table }) => table === 'sensor_data')).toEqual({
    database: 'default',
    table: 'sensor_data',
    publish: true,
    subscribe: true,
    startTimeMs: Date.UTC(2024, 0, 2, 3, 4, 5, 678),
    priority: 9,
    version: after?.addedVersion,
  });
  expect(after?.subscriptions.find(({ table }) => table === 'a:b')?.stopped).toBe('dropped here');
});

test('the 4.4 dialect is answered in its own words', async () => {
  await using t = await openCluster();
  const subscriptions = [{ database: 'dev', table: 'dog', publish: true, subscribe: false }];

  expect(await t.call({ operation: 'set_node', hostname: 'server-two', subscriptions })).toEqual({
    message: "Successfully added 'server-two' to cluster",
  });
  expect(t.store.nodes.get('server-two')).toMatchObject({ host: 'server-two', port: 9932 });
  expect(await t.call({ operation: 'remove_node', hostname: 'server-two' })).toEqual({
    message: "Successfully removed 'server-two' from cluster",
  });
});

test('a node that is down is accepted; one that refuses is an error and leaves no trace', async () => {
  await using t = await openCluster();
  t.replication.outcome = { kind: 'unreachable', reason: 'connection refused' };
  await t.call({ ...legacy, name: 'down' });
  t.replication.outcome = new CodedError('unavailable', 'the bridge does not answer');
  await t.call({ ...legacy, name: 'no-bridge' });

  t.replication.outcome = { kind: 'refused', code: 'join_refused', reason: 'wrong password' };
  await expect(t.call(legacy)).rejects.toMatchObject({ code: 'join_refused', message: 'wrong password' });
  expect(t.store.nodes.all().map(({ name }) => name)).toEqual(['down', 'no-bridge']);

  const before = t.store.nodes.get('down');
  t.replication.outcome = { kind: 'refused', code: 'name_in_use', reason: 'name in use' };
  await expect(t.call({ ...legacy, name: 'down', host: 'other' })).rejects.toMatchObject({
    code: 'name_in_use',
  });
  expect(t.store.nodes.get('down')).toEqual(before);
});

test('update_node changes the channels it names, set_node_replication adds the node when needed', async () => {
  await using t = await openCluster();
  await t.call(legacy);
  const subscriptions = [{ table: 'x', publish: true, subscribe: true }];

  expect(await t.call({ operation: 'update_node', node_name: 'edge', subscriptions })).toEqual({
    message: "Successfully updated 'edge'",
  });
  expect(await t.call({ operation: 'set_node_replication', node_name: 'n3', subscriptions })).toEqual({
    message: "Successfully updated 'n3'",
  });

  expect(t.store.nodes.get('edge')?.subscriptions).toHaveLength(3);
  expect(t.store.nodes.get('n3')?.subscriptions).toMatchObject([{ database: 'data', table: 'x' }]);
  expect(t.replication.connected).toEqual(['edge', 'n3']);
});

test.each([
  { by: { node_name: 'edge' }, more: { url: 'wss://10.0.0.5:9999' }, at: { host: '10.0.0.5', port: 9999 } },
  { by: { hostname: 'edge' }, more: {}, at: { host: 'edge.local', port: 62344 } },
])('update_node $by without subscriptions leaves the channels as they are', async ({ by, more, at }) => {
  await using t = await openCluster();
  await t.call(legacy);
  const before = t.store.nodes.get('edge')?.subscriptions;

  expect(await t.call({ operation: 'update_node', ...by, ...more })).toEqual({
    message: "Successfully updated 'edge'",
  });

  expect(t.store.nodes.get('edge')).toMatchObject(at);
  expect(t.store.nodes.get('edge')?.subscriptions).toEqual(before);
});

test.each(['node_name', 'name'])('remove_node by %s leaves only a mark, hidden from answers', async (key) => {
  await using t = await openCluster();
  await t.call(legacy);

  expect(await t.call({ operation: 'remove_node', [key]: 'edge' })).toEqual({
    message: "Successfully removed 'edge' from manifest",
  });

  const row = t.store.nodes.get('edge');
  expect(row?.subscriptions).toEqual([]);
  expect(row?.removedVersion).toBeGreaterThan(row?.addedVersion ?? Infinity);
  expect(await t.call({ operation: 'cluster_status' })).toMatchObject({ connections: [] });
  const nodes = {
    operation: 'search_by_value',
    schema: 'system',
    table: 'hdb_nodes',
    attribute: 'name',
    value: '*',
  };
  expect(await t.call(nodes)).toEqual([]);
  await expect(t.call({ operation: 'remove_node', [key]: 'edge' })).rejects.toMatchObject({
    code: 'node_missing',
  });
  await t.call(legacy);
  expect(await t.call(nodes)).toMatchObject([
    { name: 'edge', subscriptions: [{ schema: 'default', table: 'sensor_data' }, { schema: 'default' }] },
  ]);
  expect(t.store.nodes.get('edge')?.removedVersion).toBeUndefined();
});

test.each([
  { what: 'nats-server has not confirmed it', inForce: false },
  {
    what: 'the bridge does not answer',
    inForce: new CodedError('unavailable', 'the bridge does not answer'),
  },
])('remove_node says so when $what', async ({ inForce }) => {
  await using t = await openCluster();
  await t.call(legacy);
  t.replication.inForce = inForce;

  expect(await t.call({ operation: 'remove_node', name: 'edge' })).toEqual({
    message:
      "Successfully removed 'edge' from manifest; nats-server has not confirmed yet that its key is gone, and is asked on",
  });

  expect(t.store.nodes.knownNamed('edge')).toBeUndefined();
});

test.each(['add_node', 'set_node_replication', 'configure_cluster'])(
  '%s of a node that was removed keeps until when what was agreed with it has ended',
  async (operation) => {
    await using t = await openCluster();
    await t.call(legacy);
    await t.call({ operation: 'remove_node', name: 'edge' });
    const { removedVersion } = t.store.nodes.get('edge') ?? expect.fail('no row');

    await t.call({ ...legacy, operation, connections: [legacy] });
    await t.call({ ...legacy, operation: 'update_node' });

    const row = t.store.nodes.get('edge');
    expect([row?.removedVersion, row?.endedUpTo]).toEqual([undefined, removedVersion]);
    expect(row?.addedVersion).toBeGreaterThan(removedVersion ?? Infinity);
  },
);

test('configure_cluster replaces nodes and channels, and remembers what it ended', async () => {
  await using t = await openCluster();
  await t.call(legacy);
  await t.call({ ...legacy, name: 'other' });

  const answer = await t.call({
    operation: 'configure_cluster',
    connections: [
      {
        node_name: 'edge',
        subscriptions: [{ schema: 'dev', table: 'dog', publish: true, subscribe: false }],
      },
    ],
  });

  expect(answer).toEqual({ message: 'Cluster successfully configured.' });
  expect(await t.call({ operation: 'cluster_status' })).toMatchObject({
    connections: [
      {
        node_name: 'edge',
        subscriptions: [{ schema: 'dev', table: 'dog', publish: true, subscribe: false }],
      },
    ],
  });
  expect(t.store.nodes.get('other')?.removedVersion).toBeDefined();
  expect(t.store.nodes.get('edge')?.subscriptions).toMatchObject([
    { table: 'sensor_data', publish: false, subscribe: false },
    { table: 'a:b', publish: false, subscribe: false },
    { table: 'dog', publish: true, subscribe: false },
  ]);
});

test.each(['add_node', 'update_node', 'set_node_replication'])(
  '%s stores what a delete does here, shows it, and leaves it alone where it is not named',
  async (operation) => {
    await using t = await openCluster();
    await t.call(legacy);
    const one = { schema: 'default', table: 'sensor_data', publish: false, subscribe: true };
    const policy = async () =>
      ((await t.call({ operation: 'cluster_status' })) as { connections: [{ subscriptions: object[] }] })
        .connections[0].subscriptions;
    expect(await policy()).not.toContainEqual(expect.objectContaining({ on_delete: expect.anything() }));

    await t.call({ operation, name: 'edge', subscriptions: [{ ...one, on_delete: 'archive' }] });

    expect(await policy()).toContainEqual({ ...one, priority: 5, on_delete: 'archive' });
    await t.call({ operation, name: 'edge', subscriptions: [{ ...one, publish: true }] });
    expect(await policy()).toContainEqual({ ...one, publish: true, priority: 5, on_delete: 'archive' });
    await t.call({ operation, name: 'edge', subscriptions: [{ ...one, on_delete: 'apply' }] });
    expect(t.store.nodes.get('edge')?.subscriptions).toContainEqual(
      expect.objectContaining({ table: 'sensor_data', onDelete: 'apply' }),
    );
  },
);

test('configure_cluster says all there is of a subscription, also what a delete does', async () => {
  await using t = await openCluster();
  const configure = async (more: object): Promise<void> => {
    const subscriptions = [{ schema: 'dev', table: 'dog', publish: false, subscribe: true, ...more }];
    await t.call({ operation: 'configure_cluster', connections: [{ node_name: 'edge', subscriptions }] });
  };

  await configure({ on_delete: 'ignore' });
  expect(t.store.nodes.get('edge')?.subscriptions).toMatchObject([{ table: 'dog', onDelete: 'ignore' }]);
  await configure({});

  expect(t.store.nodes.get('edge')?.subscriptions[0]?.onDelete).toBeUndefined();
});

const one = { schema: 'dev', table: 'dog', publish: true, subscribe: true };
test.each([
  [
    { operation: 'add_node', node_name: 'n1', subscriptions: [] },
    'invalid_request',
    "'n1' is this node; a node cannot be added to itself",
  ],
  [{ operation: 'add_node', subscriptions: [] }, 'invalid_request', "'node_name' is required"],
  [
    { operation: 'add_node', node_name: 'a b', subscriptions: [] },
    'invalid_request',
    "'node_name' cannot include whitespace, '.', ',', '*' or '>'",
  ],
  [
    { operation: 'add_node', name: 'n2', host: 'h', subscriptions: [] },
    'invalid_request',
    "'port' is required",
  ],
  [
    { operation: 'add_node', name: 'n2', port: 1, subscriptions: [] },
    'invalid_request',
    "'host' is required",
  ],
  [
    { operation: 'add_node', name: 'n2', host: 'h', port: 'x', subscriptions: [] },
    'invalid_request',
    "'port' must be a number",
  ],
  [
    { operation: 'add_node', name: 'n2', host: 'h', port: 70000, subscriptions: [] },
    'invalid_request',
    "'port' must be less than or equal to 65535",
  ],
  [{ operation: 'add_node', node_name: 'n2' }, 'invalid_request', "'subscriptions' is required"],
  [
    { operation: 'update_node', hostname: 'n2' },
    'invalid_request',
    "'subscriptions' is required for a node that is not known yet",
  ],
  [
    { operation: 'add_node', hostname: 'two.example', subscriptions: [] },
    'invalid_request',
    "'hostname' names the node 'two.example', and a name cannot include whitespace, '.', ',', '*' or '>': " +
      "send its clustering.nodeName as 'node_name', and where it is as 'url'",
  ],
  [
    { operation: 'add_node', url: 'wss://10.0.0.5:9933', subscriptions: [] },
    'invalid_request',
    "'url' names the node '10.0.0.5', and a name cannot include whitespace, '.', ',', '*' or '>': " +
      "send its clustering.nodeName as 'node_name', and where it is as 'url'",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: 'dog' },
    'invalid_request',
    "'subscriptions' must be an array",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: ['dog'] },
    'invalid_request',
    "'subscriptions[0]' must be an object",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, publish: 'yes' }] },
    'invalid_request',
    "'subscriptions[0].publish' must be a boolean",
  ],
  [
    {
      operation: 'add_node',
      node_name: 'n2',
      subscriptions: [{ schema: 'dev', publish: true, subscribe: true }],
    },
    'invalid_request',
    "'subscriptions[0].table' is required",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, schema: 'system' }] },
    'invalid_request',
    "'subscriptions[0]' invalid database name, 'system' name is reserved",
  ],
  [
    {
      operation: 'add_node',
      node_name: 'n2',
      subscriptions: [{ channel: 'dog', publish: true, subscribe: true }],
    },
    'invalid_request',
    "'subscriptions[0].channel' must be '<schema>:<table>'",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, start_time: '2024-01-02 03:04' }] },
    'invalid_request',
    "'subscriptions[0].start_time' must be a UTC time in the form YYYY-MM-DDTHH:mm:ss.sssZ",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, on_delete: 'keep' }] },
    'invalid_request',
    "'subscriptions[0].on_delete' must be one of [apply, ignore, archive]",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, priority: 10 }] },
    'invalid_request',
    "'subscriptions[0].priority' must be less than or equal to 9",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, table: 'x'.repeat(197) }] },
    'invalid_request',
    "'subscriptions[0]' cannot be replicated, the encoded name of its channel exceeds 200 bytes",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, table: 'a/b' }] },
    'invalid_request',
    "'subscriptions[0].table' names cannot include backticks or forward slashes",
  ],
  [
    { operation: 'add_node', node_name: 'n2', subscriptions: [{ ...one, table: 'CAT' }] },
    'invalid_name',
    "table 'CAT' differs only by case from the existing 'cat'",
  ],
  [
    { operation: 'update_node', node_name: 'n2', subscriptions: [one] },
    'node_missing',
    "Node 'n2' is not known to this node; add it with add_node",
  ],
  [
    { operation: 'remove_node', node_name: 'n2' },
    'node_missing',
    "Node 'n2' is not known to this node; cluster_status names those that are",
  ],
  [{ operation: 'configure_cluster' }, 'invalid_request', "'connections' is required"],
  [
    {
      operation: 'configure_cluster',
      connections: [{ node_name: 'n2', subscriptions: [{ ...one, schema: 'system' }] }],
    },
    'invalid_request',
    "'connections[0].subscriptions[0]' invalid database name, 'system' name is reserved",
  ],
  [
    { operation: 'purge_stream', schema: 'dev', table: 'none' },
    'table_missing',
    "Table 'dev.none' does not exist",
  ],
])('%j is refused as %s and no node is stored', async (body, code, message) => {
  await using t = await openCluster();
  await t.call({ operation: 'create_table', schema: 'dev', table: 'cat', primary_key: 'id' });

  await expect(t.call(body)).rejects.toMatchObject({ code, message });

  expect(t.store.nodes.all()).toEqual([]);
  expect(t.replication.connected).toEqual([]);
});

test('who is no super user may not touch the cluster', async () => {
  await using t = await openCluster();

  await expect(t.call(legacy, clusterUser)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(t.call({ operation: 'cluster_status' }, clusterUser)).rejects.toMatchObject({
    code: 'forbidden',
  });
});
