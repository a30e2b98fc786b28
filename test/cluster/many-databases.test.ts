import { expect, test } from 'vitest';
import type { ClusterNode } from './support/cluster-node.ts';
import { connected, peerOf } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { linesOf, unexpectedIn } from './support/logs.ts';
import { MemoryWatch } from './support/memory-watch.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

/** MANY_DATABASES=200 in the environment of the tests is the large one. */
const count = Number(process.env['MANY_DATABASES'] ?? 25);
const places = Array.from({ length: count }, (_, index) => [`database_${index}`, 'readings'] as const);
const limitMiB = 200;
const limitMs = 60_000 + count * 500;
/** Lines that a node may log of a peer that is away, however many tables it shares with it. */
const maxLines = 40;

test(
  `${count} databases whose schema changes while the peer is dead: it is dialled and logged as one peer that is away, and writes to all of them on both sides at once end the same`,
  { timeout: 180_000 + count * 1_000 },
  async () => {
    await using pair = await Pair.start();
    const { host, edge, link } = pair;
    const shared = places.map((place) => ({ place, expected: new ExpectedWinners() }));
    await Promise.all(places.map((place) => makeTable(host, place)));
    await pair.connect(places.map((place) => ({ channel: place.join(':'), publish: true, subscribe: true })));
    await connected(host, edge);
    const writeAt = async (node: ClusterNode, round: number): Promise<unknown> =>
      Promise.all(
        shared.map(({ place, expected }) =>
          new Recorder(node, place, expected).upsert(
            { id: 'both', by: node.name, round },
            { id: `${node.name}-${round}`, round },
          ),
        ),
      );
    await writeAt(host, 0);
    await Promise.all(
      shared.map(({ place, expected }) => converged(pair.nodes, place, expected, { limitMs })),
    );
    using memory = new MemoryWatch(() => [
      ['host', host.pids().bridge],
      ['api', host.pids().api],
    ]);

    await edge.powerOff();
    await waitFor('the host to have noticed', async () => (await peerOf(host, edge))?.status !== 'open');
    const linesBefore = linesOf(host).length;
    const dialsBefore = link.counters.accepted;
    const begunMs = performance.now();
    for (let round = 1; round <= 2; round += 1) {
      await churn(host, round);
      await writeAt(host, round);
    }
    await waitFor('some more dials', () => link.counters.accepted > dialsBefore + 2);
    const awayMs = performance.now() - begunMs;
    const logged = linesOf(host).slice(linesBefore);
    const dials = link.counters.accepted - dialsBefore;
    await edge.start();
    await Promise.all([writeAt(host, 9), writeAt(edge, 9)]);
    await Promise.all(
      shared.map(({ place, expected }) => converged(pair.nodes, place, expected, { limitMs })),
    );

    console.log(
      JSON.stringify({ awayMs: Math.round(awayMs), logged: logged.length, dials, peaksMiB: memory.peaksMiB }),
    );
    expect(logged.length).toBeLessThan(maxLines);
    // Not one for each table: after the first few, one every second or two.
    expect(dials).toBeLessThan(10 + awayMs / 500);
    expect(Object.keys(memory.peaksMiB)).not.toEqual([]);
    for (const [name, peakMiB] of Object.entries(memory.peaksMiB))
      expect(peakMiB, `the ${name}`).toBeLessThan(limitMiB);
    expect(pair.nodes.flatMap(unexpectedIn)).toEqual([]);
  },
);

/** Attributes and tables that come and go in every database. */
async function churn(node: ClusterNode, round: number): Promise<void> {
  const each = async (operation: string, fields: object): Promise<unknown> =>
    Promise.all(places.map(async ([schema, table]) => node.must({ operation, schema, table, ...fields })));
  const attribute = { attribute: `attribute_${round}` };
  const passing = { table: `passing_${round}` };
  await Promise.all([
    each('create_attribute', attribute),
    each('create_table', { ...passing, hash_attribute: 'id' }),
  ]);
  await Promise.all([each('drop_attribute', attribute), each('drop_table', passing)]);
}
