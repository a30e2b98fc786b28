import { describe, expect, test } from 'vitest';
import { channelOf, connected, countOf, peerOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { MemoryWatch } from './support/memory-watch.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { insert, makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const place = ['default', 'history'] as const;
const marker = ['default', 'marker'] as const;
const total = 60_000;
const batch = 2_000;
/** Of what a bridge takes for itself, whatever the size of the table. */
const limitMiB = 250;

interface Victim {
  readonly what: string;
  readonly node: 'host' | 'edge';
  readonly which: 'api' | 'bridge' | 'nats';
}

const victims: readonly Victim[] = [
  { what: 'the bridge that receives', node: 'host', which: 'bridge' },
  { what: 'the node that receives', node: 'host', which: 'api' },
  { what: 'the bridge that sends', node: 'edge', which: 'bridge' },
  { what: 'the node that sends', node: 'edge', which: 'api' },
];

describe('rows from before add_node', () => {
  test.each(victims)('arrive whole although $what is killed in the middle', async ({ node: name, which }) => {
    await using pair = await Pair.start();
    const { host, edge, link } = pair;
    using memory = new MemoryWatch(() => pair.nodes.map((node) => [node.name, node.pids().bridge] as const));
    const expected = new ExpectedWinners();
    const atEdge = new Recorder(edge, place, expected);
    await makeTable(edge, place);
    for (let first = 0; first < total; first += batch)
      await atEdge.insert(
        ...Array.from({ length: batch }, (_, index) => ({
          id: first + index,
          text: `${first + index} `.repeat(30),
        })),
      );
    await atEdge.delete(1, total - 1);

    await pair.connect([{ channel: 'default:history', publish: false, subscribe: true }]);
    const victim = name === 'host' ? host : edge;
    let reached = 0;
    for (const share of [0.05, 0.4]) {
      await waitFor(
        `${share * 100} % of the copy`,
        async () => ((await countOf(host, place)) ?? 0) > Math.max(total * share, reached),
        { everyMs: 1 },
      );
      // Cut and killed at once: what has come by now can be counted in peace.
      await victim.kill(which);
      link.block();
      if (which === 'api') await victim.start();
      await victim.whole();
      const rows = (await countOf(host, place)) ?? 0;
      expect(rows).toBeGreaterThan(reached);
      expect(rows).toBeLessThan(total - 2);
      reached = rows;
      // Whatever the copy has passed and what it has not: both change while it cannot go on.
      await atEdge.update({ id: 2, share }, { id: total - 3, share });
      await atEdge.delete(3 + Math.round(share * 100), total - 10 - Math.round(share * 100));
      await atEdge.insert({ id: `new-${share}` });
      link.unblock();
      // It goes on where it was: what it counts is never less than what was there.
      const counts: number[] = [];
      await waitFor(
        'the copy to go on',
        async () => {
          const { copy } = (await channelOf(host, edge, place)) ?? {};
          if (copy) counts.push(copy.rows);
          return copy !== undefined && copy.rows > reached;
        },
        { everyMs: 1 },
      );
      expect(counts.filter((count) => count < reached)).toEqual([]);
      await connected(host, edge);
    }

    const rows = await converged(pair.nodes, place, expected, { limitMs: 60_000 });
    expect(rows.size).toBe(total - 2 - 4 + 2);
    await waitFor(
      'the channel to be live',
      async () => (await channelOf(host, edge, place))?.state === 'live',
    );
    await atEdge.insert({ id: 'afterwards' });
    await converged(pair.nodes, place, expected);
    expect(Object.keys(memory.ownPeaksMiB).toSorted()).toEqual(['edge', 'host']);
    for (const [which, peakMiB] of Object.entries(memory.ownPeaksMiB))
      expect(peakMiB, `the bridge of ${which}`).toBeLessThan(limitMiB);
  });

  test('and those that are written on both sides during the copy end the same on both', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    const expected = new ExpectedWinners();
    const [atHost, atEdge] = [new Recorder(host, place, expected), new Recorder(edge, place, expected)];
    for (const node of pair.nodes) await makeTable(node, place);
    for (let first = 0; first < total / 2; first += batch) {
      const numbers = Array.from({ length: batch }, (_, index) => first + index);
      await atHost.insert(
        ...numbers.map((number) => ({ id: `host-${number}`, text: `${number} `.repeat(30) })),
      );
      await atEdge.insert(
        ...numbers.map((number) => ({ id: `edge-${number}`, text: `${number} `.repeat(30) })),
      );
    }

    await pair.connect([{ channel: 'default:history', publish: true, subscribe: true }]);
    let during = 0;
    while (((await countOf(host, place)) ?? 0) < total || ((await countOf(edge, place)) ?? 0) < total) {
      if (during >= 2_000) throw new Error('the copies do not end');
      await atHost.update({ id: `host-${during}`, during });
      await atEdge.update({ id: `edge-${total / 2 - 1 - during}`, during });
      during += 1;
    }

    expect(during).toBeGreaterThan(0);
    expect((await converged(pair.nodes, place, expected, { limitMs: 60_000 })).size).toBe(total);
  });
});

describe.concurrent('a table', () => {
  test('whose primary key differs fails with the reason at both, harms nothing, and goes on once it is the same', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    await makeTable(host, marker);
    await makeTable(host, place, 'serial');
    await makeTable(edge, place, 'id');
    await host.must({
      operation: 'insert',
      schema: place[0],
      table: place[1],
      records: [{ serial: 1, at: 'host' }],
    });
    await edge.must({
      operation: 'insert',
      schema: place[0],
      table: place[1],
      records: [{ id: 1, at: 'edge' }],
    });

    await pair.connect([
      { channel: 'default:history', publish: true, subscribe: true },
      { channel: 'default:marker', publish: true, subscribe: true },
    ]);

    for (const [node, peer] of [
      [host, edge],
      [edge, host],
    ] as const) {
      const channel = await waitFor(`the failure at ${node.name}`, async () => {
        const found = await channelOf(node, peer, place);
        if (found?.state !== 'failed') throw new Error(JSON.stringify(found));
        return found;
      });
      expect(channel.reason).toMatch(/primary key.*'(id|serial)'.*'(id|serial)'/);
    }
    await passesMarker(host, edge);
    await passesMarker(edge, host);
    expect(await countOf(host, place)).toBe(1);
    expect(await countOf(edge, place)).toBe(1);

    await host.must({ operation: 'drop_table', schema: place[0], table: place[1] });
    await makeTable(host, place, 'id');
    await host.must({
      operation: 'update_node',
      name: 'edge',
      subscriptions: [{ channel: 'default:history', publish: true, subscribe: true }],
    });
    const expected = new ExpectedWinners();
    await new Recorder(edge, place, expected).upsert({ id: 1, at: 'edge' });
    await new Recorder(host, place, expected).insert({ id: 2, at: 'host' });
    expect((await converged(pair.nodes, place, expected)).size).toBe(2);
  });

  test('that the subscriber drops stays dropped, says stopped, and comes back only when it is asked for', async () => {
    await using pair = await Pair.start();
    const { host, edge } = pair;
    for (const table of [place, marker]) await makeTable(host, table);
    await pair.connect([
      { channel: 'default:history', publish: true, subscribe: true },
      { channel: 'default:marker', publish: true, subscribe: true },
    ]);
    await insert(host, place, 1);
    await waitFor('the row at the edge', async () => (await countOf(edge, place)) === 1);

    await edge.must({ operation: 'drop_table', schema: place[0], table: place[1] });
    await insert(host, place, 2);
    await passesMarker(host, edge);
    await Promise.all(pair.nodes.map((node) => node.restart()));
    await insert(host, place, 3);
    await passesMarker(host, edge);

    expect(await edge.hasTable(...place)).toBe(false);
    expect(await channelOf(edge, host, place)).toMatchObject({
      state: 'stopped',
      reason: 'the table was dropped here: update_node here with this channel takes it up again',
    });
    await waitFor('the host to say so', async () => {
      const told = await channelOf(host, edge, place);
      return told?.state === 'waiting' && told.reason?.startsWith('the table was dropped at edge') === true;
    });
    expect(await countOf(host, place)).toBe(3);

    await edge.must({
      operation: 'update_node',
      name: 'host',
      subscriptions: [{ channel: 'default:history', publish: true, subscribe: true }],
    });
    const expected = new ExpectedWinners();
    const writer = new Recorder(host, place, expected);
    await writer.upsert({ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 });
    expect((await converged(pair.nodes, place, expected)).size).toBe(4);
  });

  test.each([
    { how: 'by itself', asks: undefined },
    { how: 'once the publisher asks for it', asks: 'edge' },
    { how: 'once the subscriber asks for it', asks: 'host' },
  ])(
    'that the publisher drops and makes again keeps its old rows at the subscriber; new ones arrive $how',
    async ({ asks }) => {
      await using pair = await Pair.start();
      const { host, edge } = pair;
      for (const table of [place, marker]) await makeTable(edge, table);
      await pair.connect([
        { channel: 'default:history', publish: false, subscribe: true },
        { channel: 'default:marker', publish: true, subscribe: true },
      ]);
      for (let id = 0; id < 5; id += 1) await insert(edge, place, `old-${id}`);
      await waitFor('the rows at the host', async () => (await countOf(host, place)) === 5);

      await edge.must({ operation: 'drop_table', schema: place[0], table: place[1] });
      await passesMarker(edge, host);
      expect(await countOf(host, place)).toBe(5);
      await makeTable(edge, place);
      await insert(edge, place, 'new-0');
      if (asks !== undefined)
        await (asks === 'edge' ? edge : host).must({
          operation: 'update_node',
          name: asks === 'edge' ? 'host' : 'edge',
          subscriptions: [
            { channel: 'default:history', publish: asks === 'edge', subscribe: asks === 'host' },
          ],
        });
      await insert(edge, place, 'new-1');

      await waitFor(
        'the new rows at the host',
        async () => {
          const told = [await channelOf(host, edge, place), await channelOf(edge, host, place)];
          const rows = await countOf(host, place);
          if (rows !== 7) throw new Error(JSON.stringify({ rows, told }));
          return true;
        },
        { limitMs: 10_000 },
      );
      const ids = [...(await host.rows(...place)).keys()].map(String).toSorted();
      expect(ids).toEqual(['new-0', 'new-1', 'old-0', 'old-1', 'old-2', 'old-3', 'old-4']);
      expect([...(await edge.rows(...place)).keys()].map(String).toSorted()).toEqual(['new-0', 'new-1']);
    },
  );

  test('whose stream is purged is the same on both afterwards, also where the peer had missed what was purged', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    const expected = new ExpectedWinners();
    const [atHost, atEdge] = [new Recorder(host, place, expected), new Recorder(edge, place, expected)];
    const purge = async (node: ClusterNode): Promise<number> => {
      const answer = await node.must({ operation: 'purge_stream', schema: place[0], table: place[1] });
      return (answer as { readonly purged: number }).purged;
    };
    for (let id = 0; id < 50; id += 1) await atHost.insert({ id });
    await converged(pair.nodes, place, expected);

    // Nobody needs what goes.
    expect(await purge(host)).toBeGreaterThan(0);
    await atHost.update({ id: 1, purged: 'once' });
    await atEdge.update({ id: 2, purged: 'once' });
    await converged(pair.nodes, place, expected);

    // The edge has missed all of it: writes, updates and deletes.
    await edge.stop();
    await atHost.insert({ id: 'missed' });
    await atHost.update({ id: 3, purged: 'twice' });
    await atHost.delete(4, 5);
    expect(await purge(host)).toBeGreaterThan(0);
    await atHost.insert({ id: 'after the purge' });
    await edge.start();
    await converged(pair.nodes, place, expected);

    // And the other way, at the node that is only dialled.
    await pair.cut();
    await atEdge.insert({ id: 'cut off' });
    await atEdge.delete(6, 7);
    expect(await purge(edge)).toBeGreaterThan(0);
    await atHost.update({ id: 8, purged: 'thrice' });
    pair.mend();
    await converged(pair.nodes, place, expected);
    await Promise.all(pair.nodes.map((node) => node.restart()));
    await atHost.insert({ id: 'host at last' });
    await atEdge.insert({ id: 'edge at last' });
    expect((await converged(pair.nodes, place, expected)).size).toBe(50 - 4 + 5);
    expect((await peerOf(host, edge))?.status).toBe('open');
  });
});

let markers = 0;

/** Writes to a channel that works; when that has come, whatever works has had its turn. */
async function passesMarker(from: ClusterNode, to: ClusterNode): Promise<void> {
  const id = `marker-${(markers += 1)}`;
  await insert(from, marker, id);
  await waitFor(`${id} at ${to.name}`, async () => (await to.rows(...marker)).has(id));
}
