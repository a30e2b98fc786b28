import { expect, test } from 'vitest';
import { channelOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { Pair } from './support/pair.ts';
import { recordBytes, type Fields } from './support/record-bytes.ts';
import { makeTable, type Place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const readings: Place = ['default', 'readings'];
const alerts: Place = ['default', 'alerts'];

const count = 60;
const ids = Array.from({ length: count }, (_, index) => `r${index}`);
const deleted = ids.slice(0, 10);

async function insert(node: ClusterNode, [schema, table]: Place, records: readonly Fields[]): Promise<void> {
  await node.must({ operation: 'insert', schema, table, records });
}

async function find(
  node: ClusterNode,
  [schema, table]: Place,
  attribute: string,
  value: string,
): Promise<readonly Fields[]> {
  const body = { operation: 'search_by_value', schema, table, search_attribute: attribute };
  return (await node.must({ ...body, search_value: value, get_attributes: ['*'] })) as readonly Fields[];
}

async function get(node: ClusterNode, place: Place, keys: readonly string[]): Promise<string[]> {
  return (await node.records(place, keys)).map(recordBytes);
}

/** Waits until a record that one node writes now is at the other, and with it all that came before. */
async function passed(from: ClusterNode, to: ClusterNode, place: Place, id: string): Promise<void> {
  await insert(from, place, [{ id }]);
  await waitFor(`${id} of ${place[1]} at ${to.name}`, async () => (await get(to, place, [id])).length === 1);
}

test('headquarters keeps what an edge deletes: readable in one table, archived in another, and both sides stay the same', async () => {
  await using pair = await Pair.start();
  const { host, edge } = pair;
  for (const node of pair.nodes)
    for (const place of [readings, alerts]) {
      const [schema, table] = place;
      await makeTable(node, place);
      await node.must({ operation: 'create_attribute', schema, table, attribute: 'machine' });
    }
  const way = { publish: true, subscribe: true };
  await pair.connect([
    { channel: 'default:readings', ...way, on_delete: 'ignore' },
    { channel: 'default:alerts', ...way, on_delete: 'archive' },
  ]);
  for (const place of [readings, alerts]) {
    await insert(
      edge,
      place,
      ids.map((id, index) => ({ id, machine: `m-${id}`, value: index / 7, nested: { list: [index, null] } })),
    );
    await passed(edge, host, place, 'first');
  }
  const before = { readings: await get(host, readings, deleted), alerts: await get(host, alerts, deleted) };
  expect(before.readings).toHaveLength(deleted.length);

  await pair.cut();
  for (const [schema, table] of [readings, alerts])
    await edge.must({ operation: 'delete', schema, table, hash_values: deleted });
  expect(await get(host, alerts, deleted)).toEqual(before.alerts);
  pair.mend();
  for (const place of [readings, alerts]) await passed(edge, host, place, 'second');

  expect(await get(host, readings, deleted)).toEqual(before.readings);
  for (const [index, id] of deleted.entries())
    expect((await find(host, readings, 'machine', `m-${id}`)).map(recordBytes)).toEqual([
      before.readings[index],
    ]);
  expect([...(await host.rows(...readings)).keys()].map(String).toSorted()).toEqual(
    [...ids, 'first', 'second'].toSorted(),
  );
  expect(await get(host, alerts, deleted)).toEqual([]);
  expect(await find(host, alerts, 'machine', 'm-r0')).toEqual([]);
  const archive = await find(host, ['system', 'hdb_archive'], 'table', 'alerts');
  expect(archive.map(({ record }) => recordBytes(record as Fields)).toSorted()).toEqual(
    before.alerts.toSorted(),
  );
  expect(archive.map(({ hash_value: key }) => String(key)).toSorted()).toEqual(deleted.toSorted());
  for (const row of archive) expect(row).toMatchObject({ origin: edge.name, deleted_by: edge.name });
  expect(await find(host, ['system', 'hdb_archive'], 'table', 'readings')).toEqual([]);
  for (const [place, policy] of [
    [readings, 'ignore'],
    [alerts, 'archive'],
  ] as const) {
    expect(await channelOf(host, edge, place)).toMatchObject({ on_delete: policy });
    expect(await channelOf(edge, host, place)).not.toHaveProperty('on_delete');
  }

  // The link once more, and a restart: nothing comes back at the edge, and both say that they are the same.
  await pair.cut();
  await host.restart();
  pair.mend();
  for (const place of [readings, alerts]) {
    await passed(host, edge, place, 'third');
    const [schema, table] = place;
    const { nodes } = (await host.must({ operation: 'verify_replication', schema, table })) as {
      readonly nodes: readonly Fields[];
    };
    expect(nodes).toMatchObject([
      { outcome: 'identical', rows: count - deleted.length + 3, only_at_subscriber: 0 },
    ]);
    expect(await get(edge, place, deleted)).toEqual([]);
  }
  expect(await get(host, readings, deleted)).toEqual(before.readings);

  // A write at headquarters is a new write.
  const [schema, table] = readings;
  await host.must({ operation: 'update', schema, table, records: [{ id: 'r0', note: 'kept' }] });
  await waitFor(
    'the record that was written again',
    async () => (await get(edge, readings, ['r0'])).length === 1,
  );
  expect(await get(edge, readings, deleted)).toEqual(await get(host, readings, ['r0']));
});
