import { expect, test } from 'vitest';
import { CodedError } from '../../src/model/errors.ts';
import { uptimeText } from '../../src/operation/node/uptime-text.ts';
import { dog, makeDogs } from './dog.ts';
import { legacy, openCluster } from './open-cluster.ts';
import { MemoryReplication, openContext } from './open-context.ts';

test('without clustering, nodes cannot be added and the answer says what to set', async () => {
  await using t = await openContext();

  for (const operation of ['add_node', 'update_node', 'set_node_replication']) {
    await expect(t.call({ ...legacy, operation })).rejects.toMatchObject({
      code: 'clustering_disabled',
      message: expect.stringContaining('CLUSTERING_ENABLED=true'),
    });
  }
  expect(await t.call({ operation: 'cluster_status' })).toMatchObject({
    node_name: 'n1',
    is_enabled: false,
    connections: [],
  });
  expect(await t.call({ operation: 'cluster_network' })).toEqual({
    nodes: [{ name: 'n1', response_time: 0, connected_nodes: [], routes: [] }],
  });
});

test('cluster_status is the one of 4.x and more', async () => {
  const replication = new MemoryReplication();
  const nowMs = 1_800_000_000_000;
  await using t = await openContext({ replication, now: () => nowMs });
  await t.call(legacy);
  replication.told = {
    nats: 'running',
    alarms: [],
    peers: [
      {
        node: 'edge',
        status: 'open',
        latencyMs: 13,
        clock: { offsetMs: -12.345, uncertaintyMs: 6.54 },
        alarms: ['look here'],
        connectedSinceMs: nowMs - (30 * 86_400 + 3_600 + 18 * 60 + 8) * 1000,
        ports: { clustering: 62344, operations_api: 9925 },
        systemInfo: { hdb_version: '0.1.0', node_version: '20', platform: 'linux' },
        subscriptions: [
          {
            database: 'default',
            table: 'sensor_data',
            publish: false,
            subscribe: true,
            state: 'copying',
            copy: { rows: 5, total: 10, rate: 2, etaSeconds: 3 },
            lagTransactions: 4,
            lagMs: 50,
          },
          {
            database: 'default',
            table: 'a:b',
            publish: true,
            subscribe: false,
            state: 'idle',
            unconfirmed: 7,
            endurance: {
              waiting: { transactions: 7, bytes: 4_200 },
              growthBytesPerDay: 1_234.5,
              mayStayAwayMs: 19 * 86_400_000 + 5,
              state: 'enough',
            },
          },
        ],
      },
    ],
  };

  expect(await t.call({ operation: 'cluster_status' })).toEqual({
    node_name: 'n1',
    is_enabled: true,
    nats: 'running',
    alarms: [],
    connections: [
      {
        node_name: 'edge',
        status: 'open',
        host: 'edge.local',
        port: 62344,
        ports: { clustering: 62344, operations_api: 9925 },
        latency_ms: 13,
        clock_offset_ms: -12.3,
        clock_uncertainty_ms: 6.5,
        alarms: ['look here'],
        uptime: '30d 1h 18m 8s',
        connected_since: expect.any(Number),
        subscriptions: [
          {
            schema: 'default',
            table: 'sensor_data',
            publish: false,
            subscribe: true,
            priority: 5,
            state: 'copying',
            copy: { rows: 5, total: 10, rate: 2, eta_seconds: 3 },
            lag_transactions: 4,
            lag_ms: 50,
          },
          {
            schema: 'default',
            table: 'a:b',
            publish: true,
            subscribe: false,
            priority: 5,
            state: 'idle',
            unconfirmed: 7,
            waiting: { transactions: 7, bytes: 4_200 },
            growth_bytes_per_day: 1_235,
            may_stay_away_ms: 19 * 86_400_000 + 5,
            may_stay_away: '19 days',
          },
        ],
        system_info: { hdb_version: '0.1.0', node_version: '20', platform: 'linux' },
      },
    ],
  });
});

test('cluster_status says so when replication does not answer', async () => {
  await using t = await openCluster();
  await t.call(legacy);
  t.replication.told = new CodedError('unavailable', 'the bridge does not answer');

  expect(await t.call({ operation: 'cluster_status' })).toMatchObject({
    is_enabled: true,
    connections: [
      {
        node_name: 'edge',
        status: 'closed',
        reason: 'replication is not running: the bridge does not answer',
      },
    ],
  });
});

test('system_information tells all else while the replication process does not answer', async () => {
  await using t = await openCluster();
  t.replication.told = new CodedError('unavailable', 'the bridge does not answer');

  const answer = await t.call({ operation: 'system_information', attributes: ['time', 'replication'] });

  expect(answer).toEqual({
    time: expect.objectContaining({ current: expect.any(Number) }),
    replication: { nats: 'unknown', reason: 'replication is not running: the bridge does not answer' },
  });
});

test('cluster_network leaves out what its flags name', async () => {
  await using t = await openCluster();
  t.replication.nodes = [{ name: 'edge', responseTimeMs: 4, connectedNodes: ['n1'], routes: [] }];

  expect(await t.call({ operation: 'cluster_network', routes: true })).toEqual({
    nodes: [
      { name: 'n1', response_time: 0, connected_nodes: [] },
      { name: 'edge', response_time: 4, connected_nodes: ['n1'] },
    ],
  });
});

test('cluster_network tells times to a tenth of a millisecond', async () => {
  await using t = await openCluster();
  t.replication.nodes = [{ name: 'edge', responseTimeMs: 7.16978399999789, connectedNodes: [], routes: [] }];

  expect(await t.call({ operation: 'cluster_network' })).toMatchObject({
    nodes: [{ name: 'n1' }, { name: 'edge', response_time: 7.2 }],
  });
});

test('a route that a request names twice is set once and deleted once', async () => {
  await using t = await openCluster();
  const a = { host: 'a', port: 1 };

  expect(await t.call({ operation: 'cluster_set_routes', routes: [a, a] })).toMatchObject({
    set: [a],
    skipped: [a],
  });
  expect(await t.call({ operation: 'cluster_delete_routes', routes: [a, a] })).toMatchObject({
    deleted: [a],
    skipped: [a],
  });
});

test.each([
  ['wss://two:9999', { host: 'two', port: 9999 }],
  ['wss://two.example', { host: 'two.example', port: 9932 }],
  ['two.example:9999', { host: 'two.example', port: 9999 }],
  ['10.0.0.5', { host: '10.0.0.5', port: 9932 }],
  [{ hostname: 'two' }, { host: 'two', port: 9932 }],
  [
    { host: 'two', port: 9999 },
    { host: 'two', port: 9999 },
  ],
])('the route %j is that to %j', async (route, told) => {
  await using t = await openCluster();

  expect(await t.call({ operation: 'cluster_set_routes', routes: [route] })).toMatchObject({ set: [told] });
  expect(await t.call({ operation: 'cluster_get_routes' })).toEqual({ hub: [told], leaf: [] });
});

test('a text that is no route says what one is', async () => {
  await using t = await openCluster();

  await expect(t.call({ operation: 'cluster_set_routes', routes: ['a', 'ftp://b'] })).rejects.toMatchObject({
    message: "'routes[1].host' must be a name or an address alone, without a scheme, a port or a path",
  });
});

test('routes are set once, listed and deleted', async () => {
  await using t = await openCluster();
  const [a, b] = [
    { host: 'a', port: 1 },
    { host: 'b', port: 2 },
  ];
  expect(await t.call({ operation: 'cluster_get_routes' })).toEqual({ hub: [], leaf: [] });

  expect(await t.call({ operation: 'cluster_set_routes', server: 'hub', routes: [a] })).toEqual({
    message: 'cluster routes successfully set',
    set: [a],
    skipped: [],
  });
  expect(await t.call({ operation: 'cluster_set_routes', server: 'hub', routes: [a, b] })).toMatchObject({
    set: [b],
    skipped: [a],
  });
  expect(await t.call({ operation: 'cluster_get_routes' })).toEqual({ hub: [a, b], leaf: [] });
  expect(await t.call({ operation: 'cluster_delete_routes', routes: [a, { host: 'c', port: 3 }] })).toEqual({
    message: 'cluster routes successfully deleted',
    deleted: [a],
    skipped: [{ host: 'c', port: 3 }],
  });
  expect(await t.call({ operation: 'cluster_get_routes' })).toEqual({ hub: [b], leaf: [] });
});

test('purge_stream trims the log of one channel and has the stream follow', async () => {
  await using t = await openCluster();
  await makeDogs(t);
  for (const id of [1, 2, 3]) await t.call({ operation: 'insert', ...dog, records: [{ id }] });

  const answer = await t.call({
    operation: 'purge_stream',
    database: 'dev',
    table: 'dog',
    options: { keep: 1 },
  });

  expect(answer).toEqual({ message: "Successfully purged stream 'dev:dog'", purged: 2 });
  expect(t.replication.purged).toEqual(['dev:dog']);
  expect(await t.call({ operation: 'read_transaction_log', ...dog })).toMatchObject([
    { records: [{ id: 3 }] },
  ]);
  await expect(
    t.call({ operation: 'purge_stream', ...dog, options: { keep: 1, seq: 2 } }),
  ).rejects.toMatchObject({ code: 'invalid_request' });
});

test.each([
  [-5, '0s'],
  [8_400, '8s'],
  [3_600_000, '1h 0m 0s'],
])('%d ms are %s', (ms, text) => {
  expect(uptimeText(ms)).toBe(text);
});
