import { expect, test } from 'vitest';
import { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { remotePortsOf } from './support/node-processes.ts';
import type { Fields } from './support/record-bytes.ts';
import { Recorder } from './support/recorder.ts';
import { makeTable, peerRowsOf } from './support/tables.ts';
import { TcpProxy } from './support/tcp-proxy.ts';
import { waitFor } from './support/wait-for.ts';

const thresholds = ['default', 'thresholds'] as const;
const alerts = ['default', 'alerts'] as const;
const sensors = ['default', 'sensor_data'] as const;
const minuteMs = 60_000;

/** The application at the edge: knows nothing but its own node. */
class Application {
  readonly #node: ClusterNode;
  readonly #readings: Recorder;
  readonly #alerts: Recorder;

  constructor(node: ClusterNode, measured: ExpectedWinners, raised: ExpectedWinners) {
    this.#node = node;
    this.#readings = new Recorder(node, sensors, measured);
    this.#alerts = new Recorder(node, alerts, raised);
  }

  /** Stores a reading; raises an alert with the readings of the hour before when it violates the threshold. */
  async read(atMinute: number, temperature: number): Promise<boolean> {
    await this.#readings.insert({ id: atMinute, time: atMinute * minuteMs, temperature });
    const [threshold] = (await this.#node.must({
      operation: 'search_by_hash',
      schema: 'default',
      table: 'thresholds',
      hash_values: ['temperature'],
      get_attributes: ['max'],
    })) as readonly { readonly max: number }[];
    if (!threshold || temperature <= threshold.max) return false;
    const before = (await this.#node.must({
      operation: 'search_by_conditions',
      schema: 'default',
      table: 'sensor_data',
      conditions: [
        {
          search_attribute: 'time',
          search_type: 'between',
          search_value: [(atMinute - 60) * minuteMs, atMinute * minuteMs],
        },
      ],
      get_attributes: ['id', 'time', 'temperature'],
    })) as readonly Fields[];
    await this.#alerts.insert({ id: `alert-${atMinute}`, temperature, max: threshold.max, readings: before });
    return true;
  }
}

test('thresholds come down and alerts go up although nobody can reach the edge; raw readings stay there', async () => {
  await using cloud = await ClusterNode.start('cloud');
  await using edge = await ClusterNode.start('edge');
  await using link = await TcpProxy.to(() => cloud.address);
  const set = new ExpectedWinners();
  const raised = new ExpectedWinners();
  const measured = new ExpectedWinners();
  const operator = new Recorder(cloud, thresholds, set);
  const application = new Application(edge, measured, raised);
  await cloud.must({ operation: 'create_schema', schema: 'default' });
  await makeTable(cloud, thresholds);
  await operator.insert({ id: 'temperature', max: 80 });
  await edge.must({ operation: 'create_schema', schema: 'default' });
  await makeTable(edge, sensors);
  await makeTable(edge, alerts);

  // Only the edge dials.
  await edge.must({
    operation: 'add_node',
    name: 'cloud',
    ...link.address,
    subscriptions: [
      { channel: 'default:thresholds', subscribe: true, publish: false },
      { channel: 'default:alerts', subscribe: false, publish: true },
    ],
  });
  await waitFor('the threshold at the edge', async () => (await edge.rows(...thresholds)).size === 1);

  for (let minute = 0; minute < 120; minute += 5) await application.read(minute, minute === 90 ? 81 : 70);
  const first = await converged([cloud, edge], alerts, raised);
  expect([...first.keys()]).toEqual(['alert-90']);
  const readings = first.get('alert-90')?.['readings'];
  expect(readings).toMatchObject(
    Array.from({ length: 13 }, (_, index) => ({ id: 30 + index * 5, temperature: index === 12 ? 81 : 70 })),
  );

  // The threshold changes at the cloud; the edge obeys it.
  await operator.update({ id: 'temperature', max: 60 });
  await converged([cloud, edge], thresholds, set);
  expect(await application.read(200, 70)).toBe(true);
  await converged([cloud, edge], alerts, raised);

  // The link is cut, and both ends know; the edge works on with what it has.
  const before = link.counters;
  link.block();
  expect(link.counters.cut).toBeGreaterThan(before.cut);
  await operator.update({ id: 'temperature', max: 90 });
  for (let minute = 300; minute < 340; minute += 1) expect(await application.read(minute, 65)).toBe(true);
  await waitFor('a dial that is refused', () => link.counters.refused > before.refused);
  expect((await cloud.rows(...alerts)).size).toBe(2);
  link.unblock();
  await converged([cloud, edge], thresholds, set);
  expect((await converged([cloud, edge], alerts, raised)).size).toBe(42);
  expect(await application.read(400, 65)).toBe(false);

  // The link swallows everything and says nothing.
  link.blackhole();
  expect(await application.read(500, 95)).toBe(true);
  await operator.update({ id: 'temperature', max: 50 });
  await waitFor('something swallowed', () => link.counters.swallowedBytes > 0);
  await waitFor(
    'the edge to notice',
    async () => !JSON.stringify(await edge.must({ operation: 'cluster_status' })).includes('"open"'),
  );
  link.unblock();
  await converged([cloud, edge], thresholds, set);
  expect((await converged([cloud, edge], alerts, raised)).size).toBe(43);

  // Raw readings have stayed where they were made, and the cloud has never dialled the edge.
  expect(measured.problems(await edge.rows(...sensors))).toEqual([]);
  expect(await cloud.hasTable(...sensors)).toBe(false);
  const { bridge } = await cloud.whole();
  expect([...remotePortsOf(bridge)]).toContain(cloud.address.port);
  expect([...remotePortsOf(bridge)]).not.toContain(edge.address.port);
  const rows = await peerRowsOf(cloud);
  expect(rows).toEqual([expect.objectContaining({ name: 'edge' })]);
  expect(rows[0]?.['host'] ?? null).toBeNull();
  await Promise.all([cloud.stop(), edge.stop()]);
});
