import { expect, test } from 'vitest';
import { connected } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { flipInNewestBlock } from './support/damage.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Random } from './support/random.ts';
import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';

/** Other places to rot at: FLIP_SEEDS=1,2,3 in the environment of the tests. */
const seeds = (process.env['FLIP_SEEDS'] ?? '1').split(',').map(Number);

async function writeSome(recorder: Recorder, name: string): Promise<void> {
  for (let index = 0; index < 40; index += 1)
    await recorder.insert({ id: `${name}-${index}`, name, text: 'y'.repeat(300) });
  for (let index = 0; index < 5; index += 1)
    await recorder.update({ id: `${name}-${index}`, text: 'changed' });
  await recorder.delete(`${name}-20`, `${name}-21`);
}

const cases = seeds.flatMap((seed) =>
  (['stopped', 'running'] as const).flatMap((state) =>
    (['one byte', 'a sector'] as const).map((size) => ({ seed, state, size })),
  ),
);

test.each(cases)(
  '$size of a stream rots while its node is $state, with changes that the peer has not taken: nothing is lost, seed $seed',
  async ({ seed, state, size }) => {
    await using pair = await Pair.sharing(place);
    // The host reads the edge's stream over its own link.
    await pair.dialBack();
    const { host, edge } = pair;
    const random = new Random(seed);
    const expected = new ExpectedWinners();
    const atEdge = new Recorder(edge, place, expected);
    const atHost = new Recorder(host, place, expected);
    await Promise.all([writeSome(atEdge, 'edge-1'), writeSome(atHost, 'host-1')]);
    await converged(pair.nodes, place, expected);

    await pair.cut();
    await writeSome(atEdge, 'edge-unsent');
    if (state === 'stopped') await edge.stop();
    const length = size === 'one byte' ? 1 : 512;
    // Of what has been taken, and of what has not.
    for (const at of [0.25, 0.5 + random.fraction() * 0.45])
      expect(flipInNewestBlock(edge, at, length)).toBe(length);
    if (state === 'stopped') await edge.start();
    await writeSome(atEdge, 'edge-2');
    await writeSome(atHost, 'host-2');
    pair.mend();
    await writeSome(atEdge, 'edge-3');
    await converged(pair.nodes, place, expected);

    // Also what had no reason to read the rotten place yet: a new start of the node, and of the reader.
    await edge.kill('nats');
    await host.restart();
    await edge.whole();
    await connected(host, edge);
    await writeSome(atEdge, 'edge-4');
    await writeSome(atHost, 'host-4');
    const rows = await converged(pair.nodes, place, expected);
    expect(rows.size).toBe(8 * 38);
  },
);
