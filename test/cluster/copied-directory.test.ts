import { describe, expect, test } from 'vitest';
import { connected } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { cutNewestBlock } from './support/damage.ts';
import { putBack, snapshotOf } from './support/data-directory.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load } from './support/load.ts';
import { OneAfterAnother } from './support/one-after-another.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';

const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);

/** Every combination: COPIED_ALL=1 in the environment of the tests. */
const isThorough = process.env['COPIED_ALL'] === '1';

const powerCuts = [
  { what: 'the store of nats-server as it was', isTailLost: false },
  { what: 'the tail of the stream never having reached the disk', isTailLost: true },
].filter(({ isTailLost }) => isThorough || isTailLost);

describe('a power cut during writes on both sides', () => {
  test.each(powerCuts)('loses nothing that was acknowledged, with $what', async ({ isTailLost }) => {
    await using pair = await Pair.sharing(place);
    await pair.dialBack();
    const { host, edge } = pair;
    const expected = new ExpectedWinners();
    await using hostLoad = new Load({ node: host, place, expected, seed: 1 });
    await using edgeLoad = new Load({ node: edge, place, expected, seed: 2 });
    await Promise.all([hostLoad.advance(30), edgeLoad.advance(30)]);

    await using restored = await snapshotOf(edge, 'power off');
    await edgeLoad.stop();
    expect(expected.unanswered).toBeGreaterThan(0);
    await hostLoad.advance(20);
    await pair.replaceEdge(restored);
    if (isTailLost) expect(cutNewestBlock(restored, 0.3)).toBeGreaterThan(0);
    await restored.start();
    expect(restored.rootPath).not.toBe(edge.rootPath);
    // At once, before the host has looked at what became of the old numbers.
    await using restoredLoad = new Load({ node: restored, place, expected, seed: 3 });
    await Promise.all([hostLoad.advance(20), restoredLoad.advance(20)]);
    await Promise.all([hostLoad.stop(), restoredLoad.stop()]);

    const rows = await converged(pair.nodes, place, expected);
    expect(rows.size).toBeGreaterThan(100);
  });
});

describe('an older backup is put back', () => {
  const cases = (['the whole data directory', 'only the database'] as const)
    .flatMap((what) => (['down', 'up'] as const).map((link) => ({ what, link })))
    .filter(({ what, link }) => isThorough || (link === 'down') === (what === 'only the database'));

  test.each(cases)(
    '$what, with the link $link: what the peer holds comes back, and new writes reach it',
    async ({ what, link }) => {
      await using pair = await Pair.sharing(place);
      const { host, edge } = pair;
      const expected = new ExpectedWinners();
      const overlapping = new OneAfterAnother({ place, expected, seed: 7, keys });
      await overlapping.write(60, pair.nodes);
      await using hostLoad = new Load({ node: host, place, expected, seed: 1 });
      await using edgeLoad = new Load({ node: edge, place, expected, seed: 2 });
      await Promise.all([hostLoad.advance(10), edgeLoad.advance(10)]);

      await using backup = await snapshotOf(edge, 'go on');
      await Promise.all([hostLoad.advance(30), edgeLoad.advance(30)]);
      await Promise.all([hostLoad.stop(), edgeLoad.stop()]);
      await overlapping.write(60, pair.nodes);
      const before = await converged(pair.nodes, place, expected);
      if (link === 'down') await pair.cut();
      const restored = await restore(pair, backup, what);

      if (link === 'down') {
        const atFirst = await restored.rows(...place);
        const lost = [...before.keys()].filter((id) => !atFirst.has(id));
        expect(lost.length).toBeGreaterThan(20);
        expect(expected.problems(atFirst)).not.toEqual([]);
      }
      // With the numbers that the lost transactions had.
      await overlapping.write(30, [restored]);
      const atRestored = new Recorder(restored, place, expected);
      for (let index = 0; index < 30; index += 1) await atRestored.insert({ id: `restored-${index}`, index });
      await overlapping.write(30, [host]);
      if (link === 'down') pair.mend();

      const after = await converged(pair.nodes, place, expected);
      for (let index = 0; index < 30; index += 1) expect(after.has(`restored-${index}`)).toBe(true);
      await connected(host, restored);
      await overlapping.write(40, pair.nodes);
      await converged(pair.nodes, place, expected);
      await Promise.all(pair.nodes.map((node) => node.restart()));
      await overlapping.write(40, pair.nodes);
      await converged(pair.nodes, place, expected);
    },
  );
});

/** The edge with its backup in place, started. */
async function restore(
  pair: Pair,
  backup: ClusterNode,
  what: 'the whole data directory' | 'only the database',
): Promise<ClusterNode> {
  const { edge } = pair;
  await edge.stop();
  if (what === 'only the database') {
    putBack(backup, edge, 'database');
    await edge.start();
    return edge;
  }
  await pair.replaceEdge(backup);
  await backup.start();
  return backup;
}
