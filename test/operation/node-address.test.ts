import { expect, test } from 'vitest';
import { legacy, openCluster } from './open-cluster.ts';

test.each([['http://edge'], ['edge:9932'], ['edge/'], [' edge'], ['[::1]:9932'], ['user@edge']])(
  'the address %j, which could never be dialled, is refused',
  async (host) => {
    await using t = await openCluster();
    const message = "'host' must be a name or an address alone, without a scheme, a port or a path";

    await expect(t.call({ ...legacy, host })).rejects.toMatchObject({ code: 'invalid_request', message });
    await expect(
      t.call({ operation: 'cluster_set_routes', server: 'hub', routes: [{ host, port: 9932 }] }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
    expect(t.store.nodes.all()).toEqual([]);
  },
);

test.each([
  [
    { host: '[fe80::1]', port: 9932 },
    { host: 'fe80::1', port: 9932 },
  ],
  [
    { host: '::1', port: 9932 },
    { host: '::1', port: 9932 },
  ],
  [
    { host: 'edge.example', port: 1 },
    { host: 'edge.example', port: 1 },
  ],
  [
    { host: 'fe80::1%eth0.100', port: 9932 },
    { host: 'fe80::1%eth0.100', port: 9932 },
  ],
  [
    { host: '[fe80::1%br-lan]', port: 9932 },
    { host: 'fe80::1%br-lan', port: 9932 },
  ],
  [{ url: 'wss://[fe80::1]:9933' }, { host: 'fe80::1', port: 9933 }],
  [{ url: 'wss://edge.example:443' }, { host: 'edge.example', port: 443 }],
  [{ url: 'wss://edge.example' }, { host: 'edge.example', port: 9932 }],
])('%j is where the node is dialled', async (address, stored) => {
  await using t = await openCluster();
  const { host: _host, port: _port, ...rest } = legacy;

  await t.call({ ...rest, name: 'edge', ...address });

  expect(t.store.nodes.get('edge')).toMatchObject(stored);
});

test.each([
  'edge.example:9932',
  'wss://',
  'ftp://edge',
  'wss://edge:9932/path',
  'wss://edge:99999',
  'wss://edge:0',
])('the URL %j is refused', async (url) => {
  await using t = await openCluster();
  const { host: _host, port: _port, name: _name, ...rest } = legacy;

  await expect(t.call({ ...rest, hostname: 'edge', url })).rejects.toMatchObject({
    code: 'invalid_request',
    message: "'url' must be the URL of a node, such as 'wss://edge.example:9932'",
  });
});

test.each(['update_node', 'set_node_replication', 'add_node', 'configure_cluster'])(
  '%s by hostname alone keeps the address that is known',
  async (operation) => {
    await using t = await openCluster();
    const { subscriptions } = legacy;
    await t.call({ operation: 'add_node', hostname: 'edge', url: 'wss://10.0.0.5:9999', subscriptions });

    const change = { hostname: 'edge', subscriptions };
    await t.call({ operation, ...change, connections: [change] });

    expect(t.store.nodes.get('edge')).toMatchObject({ host: '10.0.0.5', port: 9999 });
  },
);

test('a node that was removed is dialled by its hostname when it is added by that alone', async () => {
  await using t = await openCluster();
  const { subscriptions } = legacy;
  await t.call({ operation: 'add_node', hostname: 'edge', url: 'wss://10.0.0.5:9999', subscriptions });
  await t.call({ operation: 'remove_node', hostname: 'edge' });

  await t.call({ operation: 'add_node', hostname: 'edge', subscriptions });

  expect(t.store.nodes.get('edge')).toMatchObject({ host: 'edge', port: 9932 });
});

test.each([
  [
    { host: '10.0.0.5', port: 9999 },
    { host: '10.0.0.5', port: 9999 },
  ],
  [{ host: '10.0.0.5' }, { host: '10.0.0.5', port: 9932 }],
  [{ port: 9999 }, { host: 'edge', port: 9999 }],
])('%j beside a hostname is where the node is dialled', async (address, stored) => {
  await using t = await openCluster();

  await t.call({ operation: 'add_node', hostname: 'edge', ...address, subscriptions: [] });

  expect(t.store.nodes.get('edge')).toMatchObject(stored);
});
