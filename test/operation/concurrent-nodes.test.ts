import { expect, test, vi } from 'vitest';
import type { NodeRow } from '../../src/model/node.ts';
import { msToVersion } from '../../src/model/version-clock.ts';
import type { MemoryReplication, TestContext } from './open-context.ts';
import { openCluster } from './open-cluster.ts';

type TestCluster = TestContext & { readonly replication: MemoryReplication };

const dog = { schema: 'dev', table: 'dog', publish: true, subscribe: true };
const cat = { schema: 'dev', table: 'cat', publish: true, subscribe: true };
const edge = { operation: 'add_node', name: 'edge', host: 'edge.local', port: 62344, subscriptions: [dog] };

async function openWithEdge(): Promise<TestCluster> {
  const t = await openCluster();
  await t.call({ operation: 'create_schema', schema: 'dev' });
  await t.call({ operation: 'create_table', schema: 'dev', table: 'dog', hash_attribute: 'id' });
  await t.call(edge);
  return t;
}

/** A request that the other node refuses, at the end of what happens while it is waited for. */
async function refused(t: TestCluster, body: object, meanwhile: () => Promise<unknown>): Promise<void> {
  t.replication.connect = async () => {
    await meanwhile();
    return { kind: 'refused', code: 'join_refused', reason: 'wrong password' };
  };
  await expect(t.call(body)).rejects.toMatchObject({ code: 'join_refused', message: 'wrong password' });
}

function rowOf(t: TestCluster): NodeRow {
  return t.store.nodes.get('edge') ?? expect.fail('There is no row');
}

function channelsOf(t: TestCluster): object[] {
  return rowOf(t).subscriptions.map(({ version: _version, ...channel }) => channel);
}

const asDog = { database: 'dev', table: 'dog', publish: true, subscribe: true };
const elsewhere = { ...edge, host: 'elsewhere.local', subscriptions: [{ ...dog, publish: false }] };

test('a node that is removed while an add_node waits for it, and is refused, stays removed', async () => {
  await using t = await openWithEdge();

  await refused(t, elsewhere, () => t.call({ operation: 'remove_node', name: 'edge' }));

  expect(t.store.nodes.known()).toEqual([]);
  expect(rowOf(t).removedVersion).toBeDefined();
});

test('a table that is dropped while an add_node waits, and is refused, stays stopped', async () => {
  await using t = await openWithEdge();

  await refused(t, elsewhere, () => t.call({ operation: 'drop_table', schema: 'dev', table: 'dog' }));

  expect(channelsOf(t)).toEqual([{ ...asDog, stopped: 'dropped here' }]);
  expect(rowOf(t).host).toBe('edge.local');
});

test('what is decided while an add_node waits stays when that is refused, and nothing of what it asked for', async () => {
  await using t = await openWithEdge();
  const bird = { ...cat, table: 'bird' };
  const update = {
    operation: 'update_node',
    name: 'edge',
    subscriptions: [{ ...cat, publish: false }, bird],
  };

  await refused(t, { ...elsewhere, subscriptions: [{ ...dog, publish: false }, cat] }, () => t.call(update));

  expect(channelsOf(t)).toEqual([
    asDog,
    { database: 'dev', table: 'cat', publish: false, subscribe: true },
    { database: 'dev', table: 'bird', publish: true, subscribe: true },
  ]);
});

test('a node that was removed, and refuses when it is added again, is as it was', async () => {
  await using t = await openWithEdge();
  await t.call({ operation: 'remove_node', name: 'edge' });
  const before = rowOf(t);

  await refused(t, elsewhere, async () => undefined);

  expect(rowOf(t)).toEqual(before);
});

test('a node that joins while an add_node waits for it, and is refused, stays, without the channels asked for', async () => {
  await using t = await openCluster();
  const joins = (): Promise<unknown> =>
    t.store.nodes.update('edge', (row) => row && { ...row, nkey: 'UEDGE' });

  await refused(t, edge, joins);

  expect(rowOf(t)).toMatchObject({ name: 'edge', nkey: 'UEDGE' });
  expect(rowOf(t).host).toBeUndefined();
  expect(channelsOf(t)).toEqual([
    { database: 'dev', table: 'dog', publish: false, subscribe: false, replaced: true },
  ]);
});

test('a node that has heard of the channels of a refused add_node hears that the former ones are agreed', async () => {
  await using t = await openWithEdge();
  await t.store.nodes.update('edge', (row) => row && { ...row, nkey: 'UEDGE' });
  let told: NodeRow | undefined;

  await refused(t, { ...elsewhere, subscriptions: [{ ...dog, publish: false }, cat] }, async () => {
    told = rowOf(t);
  });

  expect(channelsOf(t)).toEqual([
    asDog,
    { database: 'dev', table: 'cat', publish: false, subscribe: false, replaced: true },
  ]);
  for (const { version } of rowOf(t).subscriptions)
    expect(version).toBeGreaterThan(told?.addedVersion ?? Infinity);
});

test('an update_node that waits behind a remove_node is refused, and does not bring the node back', async () => {
  await using t = await openWithEdge();

  const removed = t.call({ operation: 'remove_node', name: 'edge' });
  const updated = t.call({ operation: 'update_node', name: 'edge', subscriptions: [cat] });

  await expect(updated).rejects.toMatchObject({ code: 'node_missing' });
  await removed;
  expect(t.store.nodes.known()).toEqual([]);
});

test('of two removals at once one finds the node', async () => {
  await using t = await openWithEdge();
  const remove = (): Promise<unknown> => t.call({ operation: 'remove_node', name: 'edge' });

  const outcomes = await Promise.allSettled([remove(), remove()]);

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('two decisions at once have two versions, also where the other node is ahead of the clock', async () => {
  await using t = await openWithEdge();
  const ahead = msToVersion(Date.now() + 60_000);
  await t.store.nodes.update('edge', (row) => row && { ...row, addedVersion: ahead });
  const update = (publish: boolean): Promise<unknown> =>
    t.call({ operation: 'update_node', name: 'edge', subscriptions: [{ ...dog, publish }] });

  await Promise.all([update(false), update(true)]);

  expect(rowOf(t).subscriptions).toEqual([{ ...asDog, version: ahead + 2 }]);
});

test('configure_cluster changes all nodes at one moment', async () => {
  await using t = await openWithEdge();
  const connections = ['one', 'two', 'three'].map((name) => ({ name, subscriptions: [dog] }));
  const seen = new Set<string>();
  const look = (): void => {
    t.store.refresh();
    seen.add(String(t.store.nodes.known().map(({ name }) => name)));
  };
  let isDone = false;

  const configured = t.call({ operation: 'configure_cluster', connections }).finally(() => (isDone = true));
  while (!isDone) {
    look();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await configured;
  look();

  expect([...seen]).toEqual(['edge', 'one,three,two']);
});

test('of two add_node at once, both refused, nothing stays', async () => {
  await using t = await openCluster();
  const refusals: (() => void)[] = [];
  t.replication.connect = async () => {
    await new Promise<void>((resolve) => refusals.push(resolve));
    return { kind: 'refused', code: 'join_refused', reason: 'wrong password' };
  };
  const calls = [t.call(edge), t.call(edge)];
  const outcomes = Promise.allSettled(calls);
  await vi.waitFor(() => expect(refusals).toHaveLength(2));

  refusals[0]?.();
  await expect(calls[0]).rejects.toMatchObject({ code: 'join_refused' });
  refusals[1]?.();

  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(t.store.nodes.get('edge')).toBeUndefined();
});
