import { expect, test } from 'vitest';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { insert, makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const sensors = ['default', 'sensor_data'] as const;
const configs = ['default', 'configs'] as const;

test('factory to headquarters: tables, records, updates and deletes follow, drops never do, a cut link loses nothing', async () => {
  await using pair = await Pair.start();
  const { host, edge, link } = pair;
  const configured = new ExpectedWinners();
  const measured = new ExpectedWinners();
  const hostConfigs = new Recorder(host, configs, configured);
  const edgeSensors = new Recorder(edge, sensors, measured);

  // On the host, before any table exists on either node.
  const added = await host.op({
    operation: 'add_node',
    name: 'edge',
    ...link.address,
    subscriptions: [
      { channel: 'default:sensor_data', subscribe: true, publish: false },
      { channel: 'default:configs', subscribe: false, publish: true },
    ],
  });
  expect(added).toEqual({ status: 200, body: { message: "Successfully added 'edge' to manifest" } });
  expect(link.counters.accepted).toBeGreaterThan(0);

  await host.must({ operation: 'create_schema', schema: 'default' });
  await makeTable(host, configs);
  await hostConfigs.insert({ id: 1, name: 'interval', value: 5 });
  await converged(pair.nodes, configs, configured);

  await makeTable(edge, sensors);
  await edgeSensors.insert(
    { id: 1, temperature: 20.5 },
    { id: 2, temperature: 21 },
    { id: 3, temperature: 22 },
  );
  expect((await converged(pair.nodes, sensors, measured)).size).toBe(3);

  await hostConfigs.update({ id: 1, value: 10 });
  await hostConfigs.insert({
    id: 'unit',
    name: 'unit',
    value: '°C',
    nested: { list: [1, null, 'two', true] },
  });
  await edgeSensors.update({ id: 2, temperature: -4, comment: 'corrected' });
  await edgeSensors.delete(3);
  await converged(pair.nodes, configs, configured);
  expect([...(await converged(pair.nodes, sensors, measured)).keys()]).toEqual([1, 2]);

  // Sensors write on through a failure of the network.
  link.block();
  const cut = link.counters;
  expect(cut.cut).toBeGreaterThan(0);
  for (let id = 100; id < 200; id += 1) await edgeSensors.insert({ id, temperature: id / 10 });
  await edgeSensors.delete(1);
  await hostConfigs.update({ id: 1, value: 15 });
  await waitFor('a dial that is refused', () => link.counters.refused > cut.refused);
  expect([...(await host.rows(...sensors)).keys()]).toEqual([1, 2]);
  expect((await edge.rows(...configs)).get(1)).toMatchObject({ value: 10 });
  link.unblock();
  expect((await converged(pair.nodes, sensors, measured)).size).toBe(101);
  await converged(pair.nodes, configs, configured);

  // What is not published does not travel: the host only publishes configs, the edge only sensor_data.
  await insert(edge, configs, 'edge only');
  await insert(host, sensors, 'host only');

  // Drops never do. What is written after them proves that the channel has passed them.
  await host.must({ operation: 'drop_attribute', schema: 'default', table: 'configs', attribute: 'nested' });
  await hostConfigs.insert({ id: 'after the drop', value: 1 });
  await waitFor('the record after the dropped attribute', async () =>
    (await edge.rows(...configs)).has('after the drop'),
  );
  expect((await edge.rows(...configs)).get('unit')).toMatchObject({
    nested: { list: [1, null, 'two', true] },
  });
  await makeTable(host, ['default', 'other']);
  await host.must({ operation: 'drop_table', schema: 'default', table: 'configs' });
  await edge.must({ operation: 'drop_table', schema: 'default', table: 'sensor_data' });
  await makeTable(edge, ['default', 'local']);
  const gone = await edge.op({ operation: 'describe_table', schema: 'default', table: 'sensor_data' });
  expect(gone.status).toBe(404);
  const edgeConfigs = await edge.rows(...configs);
  expect([...edgeConfigs.keys()]).toEqual([1, 'after the drop', 'edge only', 'unit']);
  const hostSensors = await host.rows(...sensors);
  expect([...hostSensors.keys()]).toEqual([
    2,
    ...Array.from({ length: 100 }, (_, index) => index + 100),
    'host only',
  ]);
  expect(await host.hasTable(...configs)).toBe(false);

  // Both nodes greet every 2 s; a drop that travelled would have by the end of a restart of both.
  await Promise.all([host.restart(), edge.restart()]);
  await waitFor('the nodes to be connected again', async () => {
    const { body } = await host.op({ operation: 'cluster_status' });
    return JSON.stringify(body).includes('"status":"open"');
  });
  expect(await edge.rows(...configs)).toEqual(edgeConfigs);
  expect(await host.rows(...sensors)).toEqual(hostSensors);
  expect(await host.hasTable(...configs)).toBe(false);
  expect(await edge.hasTable(...sensors)).toBe(false);
  await Promise.all([host.stop(), edge.stop()]);
});
