import { expect, test } from 'vitest';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load, Loads } from './support/load.ts';
import { linesOf, unexpectedIn } from './support/logs.ts';
import { MemoryWatch } from './support/memory-watch.ts';
import { Network } from './support/network.ts';
import { describeProcess, processesOfDirectory } from './support/node-processes.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

/** ABSENT_WRITES=20000 in the environment of the tests: what each of the others writes while one is away. */
const writes = Number(process.env['ABSENT_WRITES'] ?? 60);
const limitMiB = 200;

test(
  'four nodes that are killed in turn under load while one of them is away: no process is left behind, memory stays bounded, nothing unexpected is logged, and all end the same',
  { timeout: 240_000 + writes * 150 },
  async () => {
    await using network = await Network.sharing(place, [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
      ['d', 'a'],
      ['a', 'c'],
      ['b', 'd'],
    ]);
    const { nodes } = network;
    const expected = new ExpectedWinners();
    using memory = new MemoryWatch(() => nodes.map((node) => [node.name, node.pids().bridge] as const));
    {
      await using several = new Loads(
        nodes.map(
          (node, index) => new Load({ node, place, expected, seed: 20 + index, writers: 1, restMs: 20 }),
        ),
      );
      const loads = new Map(nodes.map((node, index) => [node.name, several.loads[index]]));
      const absent = network.node('d');
      const others = nodes.filter((node) => node !== absent);
      const share = Math.ceil(writes / others.length);
      const advance = async (): Promise<unknown> =>
        Promise.all(others.map(async (node) => loads.get(node.name)?.advance(share, 20_000 + share * 100)));
      await Promise.all(several.loads.map((load) => load.advance(5)));

      await absent.powerOff();
      for (const victim of others) {
        await victim.kill('api');
        await waitFor(
          `nothing of ${victim.name} to be left`,
          () => {
            const left = processesOfDirectory(victim.rootPath);
            if (left.length > 0) throw new Error(left.map(describeProcess).join(', '));
            return true;
          },
          { limitMs: 5_000, everyMs: 20 },
        );
        await victim.start();
        await advance();
      }
      expect((await others[0]?.rows(...place))?.size).toBeGreaterThan(writes);
      await absent.start();
      await loads.get(absent.name)?.advance(5);
      await Promise.all(several.loads.map((load) => load.stop()));
    }

    const rows = await converged(nodes, place, expected, { limitMs: 60_000 + writes * 10 });

    console.log(
      JSON.stringify({ rows: rows.size, peaksMiB: memory.peaksMiB, ownPeaksMiB: memory.ownPeaksMiB }),
    );
    for (const [name, peakMiB] of Object.entries(memory.ownPeaksMiB))
      expect(peakMiB, `the bridge of ${name}`).toBeLessThan(limitMiB);
    expect(Object.keys(memory.ownPeaksMiB)).toHaveLength(nodes.length);
    expect(nodes.flatMap(unexpectedIn)).toEqual([]);
    // They did log, and what was done to them too; one that is back before it is missed fails nobody's loop.
    for (const node of nodes) expect(linesOf(node)).not.toEqual([]);
    expect(nodes.flatMap(linesOf).join()).toContain('loop body failed');
  },
);
