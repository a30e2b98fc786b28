import { expect, test } from 'vitest';
import { tearNodeRow } from '../store/tear-node-row.ts';
import { clusterUser, MemoryReplication, openContext, type TestContext } from './open-context.ts';

async function openCluster(): Promise<TestContext & { readonly replication: MemoryReplication }> {
  const replication = new MemoryReplication();
  return { ...(await openContext({ replication })), replication };
}

const nodeRows = { schema: 'system', table: 'hdb_nodes' };
const beta = { schema: 'dev', table: 'beta', publish: true, subscribe: false };

test('a super user writes rows of hdb_nodes, which are taken as set_node_replication takes them', async () => {
  await using t = await openCluster();
  const subscriptions = [{ schema: 'dev', table: 'dog', publish: false, subscribe: true }];
  const insert = {
    operation: 'insert',
    ...nodeRows,
    records: [{ name: 'n2', host: 'h', port: 1, subscriptions }],
  };

  expect(await t.call(insert)).toMatchObject({ inserted_hashes: ['n2'], skipped_hashes: [] });
  expect(await t.call(insert)).toMatchObject({ inserted_hashes: [], skipped_hashes: ['n2'] });
  const addedVersion = t.store.nodes.get('n2')?.addedVersion ?? expect.fail('There is no row');
  const [row] = (await t.call({
    ...{ operation: 'search_by_id', ...nodeRows, ids: ['n2'], get_attributes: ['name', 'subscriptions'] },
  })) as { subscriptions: object[] }[];
  const update = (name: string): Promise<unknown> =>
    t.call({
      ...{ operation: 'update', ...nodeRows },
      records: [{ name, subscriptions: [...(row?.subscriptions ?? []), beta] }],
    });

  expect(await update('n2')).toMatchObject({ update_hashes: ['n2'], skipped_hashes: [] });
  expect(await update('n3')).toMatchObject({ update_hashes: [], skipped_hashes: ['n3'] });

  const stored = t.store.nodes.get('n2');
  expect(stored).toMatchObject({
    ...{ name: 'n2', host: 'h', port: 1 },
    subscriptions: [
      { database: 'dev', table: 'dog', publish: false, subscribe: true },
      { database: 'dev', table: 'beta', publish: true, subscribe: false },
    ],
  });
  expect(stored?.addedVersion).toBeGreaterThan(addedVersion);
  expect(t.replication.wakes).toBeGreaterThan(0);
});

test('a deleted row of hdb_nodes is a removed node, and an upsert brings it back', async () => {
  await using t = await openCluster();
  await t.call({ operation: 'add_node', node_name: 'edge', subscriptions: [beta] });
  const remove = { operation: 'delete', ...nodeRows, ids: ['edge', 'n9', 4] };

  expect(await t.call(remove)).toMatchObject({ deleted_hashes: ['edge'], skipped_hashes: ['n9', 4] });
  expect(t.store.nodes.get('edge')?.removedVersion).toBeDefined();
  expect(
    await t.call({ operation: 'sql', sql: "DELETE FROM system.hdb_nodes WHERE name = 'edge'" }),
  ).toMatchObject({
    deleted_hashes: [],
  });

  await t.call({ operation: 'upsert', ...nodeRows, records: [{ name: 'edge' }] });
  expect(t.store.nodes.get('edge')?.removedVersion).toBeUndefined();
});

test.each([
  ['remove_node', { operation: 'remove_node', node_name: 'edge' }],
  ['a delete', { operation: 'delete', ...nodeRows, ids: ['edge'] }],
  ['configure_cluster', { operation: 'configure_cluster', connections: [] }],
])('a row that cannot be read is removed by %s, and an add_node brings it back', async (_what, remove) => {
  await using t = await openCluster();
  const add = { operation: 'add_node', node_name: 'edge', subscriptions: [beta] };
  await t.call(add);
  await tearNodeRow(t.path, 'edge');
  expect(await t.call({ operation: 'cluster_status' })).toMatchObject({ connections: [] });

  await t.call(remove);

  const removed = t.store.nodes.get('edge');
  expect(removed).toMatchObject({ name: 'edge', subscriptions: [], removedVersion: expect.any(Number) });
  await t.call(add);
  expect(t.store.nodes.get('edge')?.addedVersion).toBeGreaterThan(removed?.removedVersion ?? Infinity);
});

test.each([
  [[{ subscriptions: [] }], "'node_name' is required"],
  [[{ name: 'n2' }, { name: 'n1' }], "'n1' is this node; a node cannot be added to itself"],
  [[{ name: 'n2', subscriptions: [{ ...beta, schema: 'system' }] }], expect.stringContaining('reserved')],
  [[{ name: 'n2', subscriptions: 'all' }], "'subscriptions' must be an array"],
])(
  'rows of hdb_nodes that no operation would take are refused, all of them: %j',
  async (records, message) => {
    await using t = await openCluster();

    await expect(t.call({ operation: 'upsert', ...nodeRows, records })).rejects.toMatchObject({
      code: 'invalid_request',
      message,
    });
    expect(t.store.nodes.all()).toEqual([]);
    await expect(t.call({ operation: 'upsert', ...nodeRows, records }, clusterUser)).rejects.toMatchObject({
      code: 'forbidden',
    });
  },
);
