import { expect, test } from 'vitest';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load, Loads } from './support/load.ts';
import { Network, type Dial } from './support/network.ts';
import { describeProcess, isRunning, remotePortsOf } from './support/node-processes.ts';
import { OneAfterAnother } from './support/one-after-another.ts';
import { Recorder } from './support/recorder.ts';
import { stillness } from './support/stillness.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`);

interface Shape {
  readonly what: string;
  readonly dials: readonly Dial[];
  /** The link that is cut, and who gets what is written at its first end meanwhile. */
  readonly cut: readonly [string, string];
  readonly reached: readonly string[];
  readonly killed: string;
}

const shapes: readonly Shape[] = [
  {
    what: 'a mesh',
    dials: [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
    ],
    cut: ['a', 'c'],
    reached: ['a', 'b', 'c'],
    killed: 'b',
  },
  {
    what: 'a chain',
    dials: [
      ['a', 'b'],
      ['b', 'c'],
    ],
    cut: ['b', 'c'],
    reached: ['a', 'b'],
    killed: 'b',
  },
  {
    what: 'a star whose hub dials nobody',
    dials: [
      ['a', 'hub'],
      ['b', 'hub'],
    ],
    cut: ['a', 'hub'],
    reached: ['a'],
    killed: 'b',
  },
  {
    what: 'a star whose hub is killed',
    dials: [
      ['a', 'hub'],
      ['b', 'hub'],
    ],
    cut: ['b', 'hub'],
    reached: ['b'],
    killed: 'hub',
  },
];

test.concurrent.each(shapes)(
  'three nodes in $what end the same although one is killed and a link is cut, and then nothing moves any more',
  async ({ dials, cut, reached, killed }) => {
    await using network = await Network.sharing(place, dials);
    const { nodes } = network;
    const [one, other] = cut;
    const link = network.link(one, other);
    const expected = new ExpectedWinners();
    const overlapping = new OneAfterAnother({ place, expected, seed: 5, keys });
    {
      await using several = new Loads(
        nodes.map((node, index) => new Load({ node, place, expected, seed: 10 + index, writers: 1 })),
      );
      const { loads } = several;
      await Promise.all(loads.map((load) => load.advance(10)));
      await overlapping.write(40, nodes);

      const victim = network.node(killed);
      const { bridge, nats } = await victim.whole();
      await victim.kill('api');
      await waitFor(
        'its children to follow',
        () => {
          const left = [bridge, nats].filter(isRunning);
          if (left.length > 0) throw new Error(left.map(describeProcess).join(', '));
          return true;
        },
        { limitMs: 5_000 },
      );
      await overlapping.write(
        30,
        nodes.filter((node) => node !== victim),
      );
      await victim.start();
      await overlapping.write(30, nodes);

      const before = link.counters;
      link.block();
      expect(link.counters.cut).toBeGreaterThan(before.cut);
      await waitFor('a dial that is refused', () => link.counters.refused > before.refused);
      await overlapping.write(40, nodes);
      await Promise.all(loads.map((load) => load.advance(10)));
      await Promise.all(loads.map((load) => load.stop()));
    }
    await new Recorder(network.node(one), place, expected).insert({ id: 'behind the cut' });
    // The cut is real: what is written at one end gets to the other only where there is a detour.
    for (const name of reached)
      await waitFor(`the write at ${name}`, async () =>
        (await network.node(name).rows(...place)).has('behind the cut'),
      );
    for (const node of nodes)
      expect((await node.rows(...place)).has('behind the cut')).toBe(reached.includes(node.name));
    if (reached.length === nodes.length) await converged(nodes, place, expected);
    const refused = link.counters.refused;
    await waitFor('the link to be still down', () => link.counters.refused > refused);
    link.unblock();

    const rows = await converged(nodes, place, expected);
    expect(rows.size).toBeGreaterThan(100);
    await expectOnlyTheseDials(network, dials);
    const still = await stillness(nodes, place, { forMs: 2_500 });
    for (const { logged, streams } of still) {
      expect(logged).toBeGreaterThan(100);
      expect(Object.keys(streams)).toEqual(['default:shared']);
    }
    // It was rest, not standstill; and what every node logs of it is one transaction each.
    for (const node of nodes)
      await new Recorder(node, place, expected).insert({ id: `at last from ${node.name}` });
    await converged(nodes, place, expected);
    const last = await stillness(nodes, place, { forMs: 1_000 });
    for (const [index, { logged }] of last.entries()) expect(logged - (still[index]?.logged ?? 0)).toBe(3);
  },
);

/** Whoever is not told to dial another one has no connection to it: two leaves meet at the hub alone. */
async function expectOnlyTheseDials(network: Network, dials: readonly Dial[]): Promise<void> {
  for (const from of network.nodes) {
    const told = dials.filter(([dialler]) => dialler === from.name);
    const ports = await waitFor(`all links of ${from.name}`, async () => {
      const held = remotePortsOf((await from.whole()).bridge);
      return told.every(([, to]) => held.has(network.link(from.name, to).address.port)) && held;
    });
    for (const to of network.nodes) if (to !== from) expect([...ports]).not.toContain(to.address.port);
  }
}
