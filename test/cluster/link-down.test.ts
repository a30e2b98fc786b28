import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ClusterNode } from './support/cluster-node.ts';
import { channelOf, peerOf } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners, type Key } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Random } from './support/random.ts';
import type { Fields } from './support/record-bytes.ts';
import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const keys = Array.from({ length: 80 }, (_, index) => `key-${index}`);

/** How long the link stays down. FULL_OUTAGE=1 in the environment of the tests makes it a whole minute. */
const outageMs = process.env['FULL_OUTAGE'] === '1' ? 60_000 : 8_000;

/**
 * One write to any of the keys, at either node. One at a time for the whole cluster, and never two in the same
 * millisecond: so everybody can tell which is the later.
 */
async function writeSomething(
  random: Random,
  recorder: Recorder,
  live: Set<Key>,
  step: number,
): Promise<void> {
  const id = keys[random.between(0, keys.length)] ?? '';
  const choice = random.fraction();
  if (choice < 0.3) {
    await recorder.delete(id);
    live.delete(id);
  } else if (choice < 0.6 && live.has(id)) {
    await recorder.exact('update', { id, step });
  } else {
    await recorder.exact('upsert', { id, step, text: `${step} ${'z'.repeat(random.between(0, 50))}` });
    live.add(id);
  }
  await pause(2);
}

/** What the node answers to each of the keys. */
async function readByKey(node: ClusterNode): Promise<ReadonlyMap<Key, Fields>> {
  const found = await node.records(place, keys);
  return new Map(found.map((record) => [record['id'] as Key, record]));
}

test.each(['cut', 'swallowed'] as const)(
  'link %s with writes, updates and deletes on both sides to overlapping keys: identical afterwards, the later write wins, no deleted record comes back',
  async (fault) => {
    await using pair = await Pair.sharing(place);
    const { host, edge, link } = pair;
    const random = new Random(fault === 'cut' ? 1 : 2);
    const expected = new ExpectedWinners();
    const atHost = new Recorder(host, place, expected);
    const atEdge = new Recorder(edge, place, expected);
    await atHost.insert(...keys.slice(0, 40).map((id) => ({ id, step: -1, text: 'before' })));
    await converged(pair.nodes, place, expected);
    const before: ReadonlyMap<Key, Fields> = await edge.rows(...place);
    for (const node of pair.nodes) expect(await readByKey(node)).toEqual(before);
    const { accepted } = link.counters;

    if (fault === 'cut') await pair.cut();
    else link.blackhole();
    // What each node holds now, as its own writes go on.
    const liveAtHost = new Set<Key>(before.keys());
    const liveAtEdge = new Set<Key>(before.keys());
    const startedMs = performance.now();
    for (let step = 0; performance.now() - startedMs < outageMs; step += 1)
      if (random.fraction() < 0.5) await writeSomething(random, atHost, liveAtHost, step);
      else await writeSomething(random, atEdge, liveAtEdge, step);
    if (fault === 'swallowed') {
      await waitFor('something swallowed', () => link.counters.swallowedBytes > 0, { limitMs: 1_000 });
      // The connection that carries nothing was given up, and is not called open by anybody.
      await waitFor('another dial', () => link.counters.accepted > accepted);
      for (const [node, peer] of [
        [host, edge],
        [edge, host],
      ] as const)
        expect((await peerOf(node, peer))?.status, `${peer.name} at ${node.name}`).not.toBe('open');
    }

    // Nothing has crossed: each node holds exactly what was written to it.
    const [hostRows, edgeRows] = await Promise.all([host.rows(...place), edge.rows(...place)]);
    expect(new Set(hostRows.keys())).toEqual(liveAtHost);
    expect(new Set(edgeRows.keys())).toEqual(liveAtEdge);
    const differing = keys.filter((id) => hostRows.get(id)?.['step'] !== edgeRows.get(id)?.['step']);
    expect(differing.length).toBeGreaterThan(keys.length / 2);
    pair.mend();

    const rows = await converged(pair.nodes, place, expected);
    const deleted = keys.filter((id) => !rows.has(id) && (hostRows.has(id) || edgeRows.has(id)));
    expect(deleted.length).toBeGreaterThan(0);
    // What was read by its key before is now read as it became, or not at all.
    for (const node of pair.nodes) expect(await readByKey(node)).toEqual(rows);
    // Not for a moment either: the winners are final, and later writes do not bring back what lost.
    await atHost.insert({ id: 'later at the host', step: 0, text: '' });
    await atEdge.insert({ id: 'later at the edge', step: 0, text: '' });
    const last = await converged(pair.nodes, place, expected);
    expect(last.size).toBe(rows.size + 2);
    expect(deleted.filter((id) => last.has(id))).toEqual([]);
  },
);

test('a connection that is cut, and can be had again at once, holds what is live up for a moment, and not until a pull gives up', async () => {
  await using pair = await Pair.sharing(place);
  const { host, edge, link } = pair;
  const [schema, table] = place;
  // How long a record of the edge takes to the host, which has dialled.
  const carry = async (id: string): Promise<number> => {
    const startedMs = performance.now();
    await edge.must({ operation: 'insert', schema, table, records: [{ id }] });
    await waitFor(id, async () => (await host.rows(...place)).has(id), { everyMs: 20 });
    return performance.now() - startedMs;
  };
  await carry('before');
  await waitFor('live', async () => (await channelOf(host, edge, place))?.state === 'live');
  const { cut } = link.counters;

  const took: number[] = [];
  for (const id of ['one', 'two', 'three']) {
    await waitFor('the link', async () => (await peerOf(host, edge))?.status === 'open' && link.open > 0);
    await pause(1_000);
    link.block();
    link.unblock();
    took.push(await carry(id));
  }

  expect(link.counters.cut - cut).toBeGreaterThanOrEqual(3);
  // One of them, for the machine may be busy; a pull gives up after four seconds at the earliest.
  expect(Math.min(...took)).toBeLessThan(2_500);
});
