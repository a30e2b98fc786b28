import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { peersOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load, Loads } from './support/load.ts';
import { unexpectedIn } from './support/logs.ts';
import { Network, type Dial } from './support/network.ts';
import { isRunning, type ProcessName } from './support/node-processes.ts';
import { Random } from './support/random.ts';
import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';
import type { TcpProxy } from './support/tcp-proxy.ts';
import { waitFor } from './support/wait-for.ts';

const dials = [
  ['a', 'b'],
  ['b', 'c'],
  ['c', 'a'],
] as const satisfies readonly Dial[];
const sharedKeys = 40;

/** FAULT_MINUTES=30 in the environment of the tests is the long run; FAULT_SEED another one. */
const minutes = Number(process.env['FAULT_MINUTES'] ?? 0.4);
const seed = Number(process.env['FAULT_SEED'] ?? 1);

/** From the heal of all faults until every node has proved that it holds what the others hold. */
const identicalLimitMs = 10_000;

/** A fault that lasts until it is ended; it says what it has proved to have happened. */
type Fault = () => Promise<{ readonly what: string; readonly end: () => Promise<void> | void }>;

test(
  `${minutes} minutes of kills, frozen processes and partitions on three nodes with writes on all: nothing is lost, and all are identical within 10 s of each heal`,
  {
    timeout: minutes * 60_000 + 240_000,
  },
  async () => {
    const random = new Random(seed);
    await using network = await Network.sharing(place, dials);
    const { nodes } = network;
    const expected = new ExpectedWinners();
    const happened = new Map<string, number>();
    const identicalAfterMs: number[] = [];
    const endMs = performance.now() + minutes * 60_000;
    for (let round = 1; performance.now() < endMs; round += 1) {
      let healedAtMs = performance.now();
      const faultsEndMs = Math.min(endMs, performance.now() + random.between(3_000, 10_000));
      {
        await using several = new Loads(
          nodes.map((node, index) => {
            const drawn = (seed * 1_000 + round) * 10 + index;
            return new Load({ node, place, expected, seed: drawn, writers: 1, restMs: 40 });
          }),
        );
        const { loads } = several;
        while (performance.now() < faultsEndMs) {
          const links = linksOf(network, random);
          const faults =
            happened.size === 0
              ? [killed(network.node('a'), 'bridge'), ...links.slice(0, 1)]
              : random
                  .shuffle([...nodes.map((node) => onNode(node, random)), ...links])
                  .slice(0, random.between(1, 4));
          const begun = await Promise.all(faults.map((begin) => begin()));
          const overlapping = writeShared(nodes, expected, random);
          await pause(random.between(100, 4_000));
          for (const { what, end } of begun) {
            happened.set(what, (happened.get(what) ?? 0) + 1);
            await end();
          }
          healedAtMs = performance.now();
          await overlapping;
          await Promise.all(loads.map((load) => load.advance(random.between(1, 20))));
        }
        await Promise.all(loads.map((load) => load.stop()));
      }

      await waitFor(
        'every node to prove that it holds what the others hold',
        async () => (await Promise.all(nodes.map(provesEquality))).every(Boolean),
        { limitMs: 60_000, everyMs: 100 },
      );
      identicalAfterMs.push(Math.round(performance.now() - healedAtMs));
    }
    const rows = await converged(nodes, place, expected, { limitMs: 60_000 });

    console.log(
      JSON.stringify({
        minutes,
        seed,
        rows: rows.size,
        acknowledged: expected.acknowledged,
        unanswered: expected.unanswered,
        identicalAfterMs,
        happened: Object.fromEntries(happened),
      }),
    );
    expect(nodes.flatMap(unexpectedIn)).toEqual([]);
    expect(Math.max(...identicalAfterMs)).toBeLessThan(identicalLimitMs);
    expect(rows.size).toBeGreaterThan(100);
    expect([...happened.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3);
    const kills = [...happened.keys()].filter((what) => what.endsWith(' killed'));
    // Which they are is drawn: in minutes each of them comes.
    expect(kills.length).toBeGreaterThanOrEqual(minutes < 5 ? 1 : 3);
    // Partitions did meet connections and bytes.
    const counters = dials.map(([from, to]) => network.link(from, to).counters);
    expect(counters.reduce((sum, { cut, swallowedBytes }) => sum + cut + swallowedBytes, 0)).toBeGreaterThan(
      0,
    );
  },
);

function onNode(node: ClusterNode, random: Random): Fault {
  const which =
    (['api', 'bridge', 'nats'] as const satisfies readonly ProcessName[])[random.between(0, 3)] ?? 'api';
  if (random.fraction() < 0.25)
    return async () => {
      const { pid, thaw } = await node.freeze(which);
      return {
        what: `${which} frozen`,
        end: async () => {
          // Its node ends a bridge that stands still in the middle of a commit, and starts another one.
          if (which !== 'bridge' || isRunning(pid)) thaw();
          else await node.whole();
        },
      };
    };
  return killed(node, which);
}

function killed(node: ClusterNode, which: ProcessName): Fault {
  return async () => {
    const pid = await node.kill(which);
    return {
      what: `${which} killed`,
      end: async () => {
        if (which === 'api') await node.start();
        await waitFor(`a new ${which} of ${node.name}`, async () => (await node.whole())[which] !== pid);
      },
    };
  };
}

function linksOf(network: Network, random: Random): Fault[] {
  return dials.map(([from, to]) => onLink(network.link(from, to), random));
}

function onLink(link: TcpProxy, random: Random): Fault {
  const [what, begin] = (
    [
      ['link cut', () => link.block()],
      ['link swallows', () => link.blackhole()],
      ['link swallows one way', () => link.swallow('out')],
      ['link swallows the other way', () => link.swallow('back')],
    ] as const
  )[random.between(0, 4)] ?? ['link cut', () => link.block()];
  return async () => {
    begin();
    return { what, end: () => link.unblock() };
  };
}

/** Writes of all nodes to the same keys while the faults last. */
async function writeShared(
  nodes: readonly ClusterNode[],
  expected: ExpectedWinners,
  random: Random,
): Promise<void> {
  for (let count = 0; count < 15; count += 1) {
    const node = nodes[random.between(0, nodes.length)];
    if (!node) throw new Error('no node to write to');
    const id = `shared-${random.between(0, sharedKeys)}`;
    const recorder = new Recorder(node, place, expected);
    await (random.fraction() < 0.25
      ? recorder.delete(id)
      : recorder.upsert({ id, written: count, by: node.name }));
    await pause(5);
  }
}

async function provesEquality(node: ClusterNode): Promise<boolean> {
  const { nodes } = (await node.must({
    operation: 'verify_replication',
    schema: place[0],
    table: place[1],
    timeout: identicalLimitMs,
  })) as {
    readonly nodes: readonly { readonly node: string; readonly outcome: string }[];
  };
  if (nodes.length < 2) throw new Error(JSON.stringify(nodes));
  const unlike = nodes.filter(({ outcome }) => outcome !== 'identical');
  if (unlike.length > 0) throw new Error(JSON.stringify([unlike, await peersOf(node)]));
  return true;
}
