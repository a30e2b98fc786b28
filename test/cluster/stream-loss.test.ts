import { expect, test } from 'vitest';
import type { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { cutNewestBlock, deleteStreams } from './support/damage.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

interface Damage {
  readonly what: string;
  /** With the link down, so that the peer lacks what the damaged stream held. */
  readonly isUnsent: boolean;
  /** Says how much was destroyed. */
  readonly inflict: (node: ClusterNode) => number;
}

const damages: readonly Damage[] = [
  { what: 'its JetStream directory is deleted', isUnsent: true, inflict: deleteStreams },
  {
    what: 'half of its newest block is cut off',
    isUnsent: true,
    inflict: (node) => cutNewestBlock(node, 0.5),
  },
  {
    what: 'the last bytes of its newest block are cut off',
    isUnsent: false,
    inflict: (node) => cutNewestBlock(node, 0.02),
  },
];

async function writeSome(recorder: Recorder, name: string): Promise<void> {
  for (let index = 0; index < 60; index += 1)
    await recorder.insert(
      { id: `${name}-${index}`, name, text: 'y'.repeat(200) },
      { id: `${name}-${index}-b`, name },
    );
  for (let index = 0; index < 10; index += 1)
    await recorder.update({ id: `${name}-${index}`, text: 'changed' });
  await recorder.delete(`${name}-20`, `${name}-21`);
}

async function isConnected(node: ClusterNode): Promise<boolean> {
  return JSON.stringify(await node.must({ operation: 'cluster_status' })).includes('"status":"open"');
}

for (const victim of ['edge', 'host'] as const)
  for (const { what, isUnsent, inflict } of damages)
    test(`${what} while ${victim} is stopped${isUnsent ? ', with changes that the other has not taken' : ''}: nothing is lost`, async () => {
      await using pair = await Pair.sharing(place);
      // Each pulls from the other's stream.
      await pair.dialBack();
      const node = pair[victim];
      const expected = new ExpectedWinners();
      const own = new Recorder(node, place, expected);
      const other = new Recorder(victim === 'edge' ? pair.host : pair.edge, place, expected);
      await Promise.all([writeSome(own, 'own-1'), writeSome(other, 'other-1')]);
      await converged(pair.nodes, place, expected);

      if (isUnsent) {
        await pair.cut();
        await writeSome(own, 'own-unsent');
      }
      await node.stop();
      expect(inflict(node)).toBeGreaterThan(0);
      await writeSome(other, 'other-2');
      await node.start();
      // New numbers before the peer has looked at what became of the old ones.
      await writeSome(own, 'own-2');
      pair.mend();
      await writeSome(other, 'other-3');
      await writeSome(own, 'own-3');
      await converged(pair.nodes, place, expected);

      await waitFor('the link', () => isConnected(node));
      await own.insert({ id: 'last own' });
      await other.insert({ id: 'last other' });
      const rows = await converged(pair.nodes, place, expected);
      expect(rows.size).toBe((isUnsent ? 7 : 6) * 118 + 2);
    });
