import { describe, expect, test } from 'vitest';
import { channelOf, connected, countOf, peerOf } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load } from './support/load.ts';
import { OneAfterAnother } from './support/one-after-another.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { insert, makeTable, shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);

test.concurrent.each(['out', 'back'] as const)(
  'a link that loses everything in one direction (%s, seen from the node that dials) is noticed on both sides, and all is the same afterwards',
  async (direction) => {
    await using pair = await Pair.sharing(place);
    const { host, edge, link } = pair;
    await connected(host, edge);
    const expected = new ExpectedWinners();
    const overlapping = new OneAfterAnother({ place, expected, seed: 3, keys });
    await overlapping.write(40, pair.nodes);
    await converged(pair.nodes, place, expected);
    const before = link.counters;

    link.swallow(direction);
    await overlapping.write(40, pair.nodes);
    for (const [node, peer] of [
      [host, edge],
      [edge, host],
    ] as const)
      await waitFor(
        `${node.name} to notice`,
        async () => {
          const view = await peerOf(node, peer);
          if (view?.status === 'open') throw new Error(JSON.stringify(view));
          return view?.reason !== undefined;
        },
        { limitMs: 10_000 },
      );
    await overlapping.write(40, pair.nodes);
    const during = link.counters;
    expect(during.swallowedBytes).toBeGreaterThan(before.swallowedBytes);
    // The other direction does carry something, so this is no ordinary outage.
    expect(during.forwardedBytes).toBeGreaterThan(before.forwardedBytes);
    link.unblock();

    await converged(pair.nodes, place, expected);
    await connected(host, edge);
  },
);

test('connections that are cut in the middle of what they carry, time and again in both directions, lose and double nothing', async () => {
  await using pair = await Pair.sharing(place);
  await pair.dialBack();
  const { host, edge, link, backLink } = pair;
  const expected = new ExpectedWinners();
  await using hostLoad = new Load({ node: host, place, expected, seed: 1, writers: 2 });
  await using edgeLoad = new Load({ node: edge, place, expected, seed: 2, writers: 2 });

  for (const proxy of [link, backLink, link, backLink])
    for (const direction of ['out', 'back'] as const) {
      await connected(host, edge);
      await Promise.all([hostLoad.advance(5), edgeLoad.advance(5)]);
      const { cutFrames } = proxy.counters;
      proxy.cutNextFrame(direction);
      await waitFor('a cut in the middle', () => proxy.counters.cutFrames > cutFrames, { everyMs: 5 });
    }
  await Promise.all([hostLoad.stop(), edgeLoad.stop()]);

  expect(link.counters.cutFrames + backLink.counters.cutFrames).toBe(8);
  const rows = await converged(pair.nodes, place, expected);
  expect(rows.size).toBeGreaterThan(100);
});

/** 64 kbit/s and 600 ms there and back. */
const satellite = { bytesPerSecond: 8_000, delayMs: 300 };

/**
 * SLOW_LINK_ROWS in the environment of the tests: as much as the link carries in eight seconds and more, of what cannot be
 * compressed.
 */
const backlog = Number(process.env['SLOW_LINK_ROWS'] ?? 60);

/** A connection that was dialled since the link became slow has answered over it: its place among all that were dialled. */
async function dialledSlowly({ host, edge, link }: Pair): Promise<number> {
  await waitFor(
    'an answer over the slow link',
    async () => {
      const view = await peerOf(host, edge);
      if ((view?.latency_ms ?? 0) < 2 * satellite.delayMs) throw new Error(JSON.stringify(view));
      return true;
    },
    { everyMs: 50 },
  );
  return link.counters.accepted;
}

describe('a link of 64 kbit/s and 600 ms', () => {
  test.concurrent('comes up, stays up and carries what is written on both sides', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge, link } = pair;
    const expected = new ExpectedWinners();
    const overlapping = new OneAfterAnother({ place, expected, seed: 4, keys });
    await overlapping.write(20, pair.nodes);
    await converged(pair.nodes, place, expected);

    link.shape(satellite);
    await pair.cut();
    await overlapping.write(30, pair.nodes);
    pair.mend();
    const accepted = await dialledSlowly(pair);
    const { forwardedBytes } = link.counters;
    await overlapping.write(40, pair.nodes);
    await converged(pair.nodes, place, expected);

    // The one connection has carried it all.
    expect(link.counters.accepted).toBe(accepted);
    expect(link.counters.forwardedBytes).toBeGreaterThan(forwardedBytes);
    await connected(host, edge);
  });

  test.concurrent.each(['host', 'edge'] as const)(
    'carries what the %s writes in one go while it is up, over one connection',
    async (side) => {
      await using pair = await Pair.sharing(place);
      const { link } = pair;
      const expected = new ExpectedWinners();
      const recorder = new Recorder(pair[side], place, expected);
      link.shape(satellite);
      await pair.cut();
      pair.mend();
      const accepted = await dialledSlowly(pair);
      await recorder.insert({ id: 'alone' });
      await converged(pair.nodes, place, expected);
      const { forwardedBytes } = link.counters;

      // Behind all of this at once a greeting would wait longer than a dead peer is waited for.
      const ids = Array.from({ length: 60 }, (_, id) => id);
      await Promise.all(ids.map(async (id) => recorder.insert({ id, text: noise(id, 1_000) })));
      await converged(pair.nodes, place, expected, { limitMs: 60_000 });

      expect(link.counters.forwardedBytes - forwardedBytes).toBeGreaterThan(ids.length * 1_000);
      expect(link.counters.accepted).toBe(accepted);
    },
  );

  test.concurrent.each(['host', 'edge'] as const)(
    'carries a record of the %s that takes it longer than a dead peer is waited for',
    async (side) => {
      await using pair = await Pair.sharing(place);
      const { link } = pair;
      const expected = new ExpectedWinners();
      const recorder = new Recorder(pair[side], place, expected);
      await recorder.insert({ id: 'small', text: '' });
      await converged(pair.nodes, place, expected);
      link.shape(satellite);
      await pair.cut();
      await recorder.insert({ id: 'large', text: noise(1, 80_000) });
      const { forwardedBytes } = link.counters;
      pair.mend();
      const accepted = await dialledSlowly(pair);

      await converged(pair.nodes, place, expected, { limitMs: 60_000 });

      expect(link.counters.forwardedBytes - forwardedBytes).toBeGreaterThan(80_000);
      // What the host sends nobody can see arriving: it dials again, and what was sent arrives all the same.
      if (side === 'edge') expect(link.counters.accepted).toBe(accepted);
    },
  );

  test.concurrent(
    'carries a transaction over two tables of which each takes it longer than one waits for the other',
    async () => {
      await using pair = await Pair.sharing(place);
      const { host, edge, link } = pair;
      await makeTable(host, ['default', 'other']);
      await pair.connect([{ channel: 'default:other', publish: true, subscribe: true }]);
      await waitFor('the second table', () => edge.hasTable('default', 'other'));
      link.shape(satellite);
      await pair.cut();
      pair.mend();
      await dialledSlowly(pair);
      const { forwardedBytes } = link.counters;

      // Three seconds each; the edge waits for two.
      const size = 24_000;
      await host.must({
        operation: 'transaction',
        operations: ['shared', 'other'].map((table, number) => ({
          operation: 'insert',
          schema: 'default',
          table,
          records: [{ id: 1, text: noise(number, size) }],
        })),
      });

      for (const table of ['shared', 'other'])
        await waitFor(`its part of ${table}`, async () => (await countOf(edge, ['default', table])) === 1, {
          limitMs: 60_000,
        });
      expect(link.counters.forwardedBytes - forwardedBytes).toBeGreaterThan(2 * size);
    },
  );

  test.concurrent('comes up with a hundred tables, and has room for what is written', async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge, link } = pair;
    const tables = Array.from({ length: 100 }, (_, number) => `of-machine-${number}`);
    for (const table of tables) await makeTable(host, [place[0], table]);
    await pair.connect(
      tables.map((table) => ({ channel: `${place[0]}:${table}`, publish: true, subscribe: true })),
    );
    for (const table of tables)
      await waitFor(
        `${table} at the edge`,
        async () => (await channelOf(edge, host, [place[0], table]))?.state === 'live',
      );
    link.shape(satellite);
    await pair.cut();
    pair.mend();
    await dialledSlowly(pair);
    const { forwardedBytes } = link.counters;

    for (const table of tables.slice(0, 10)) {
      await insert(edge, [place[0], table], 'late');
      await waitFor(`it in ${table}`, async () => (await countOf(host, [place[0], table])) === 1, {
        limitMs: 60_000,
      });
    }

    expect(link.counters.forwardedBytes).toBeGreaterThan(forwardedBytes);
    await connected(host, edge);
  });

  test.concurrent.each(['host', 'edge'] as const)(
    'gets through a backlog of the %s that takes it many seconds, over one connection',
    { timeout: 180_000 + backlog * 1_000 },
    async (side) => {
      await using pair = await Pair.sharing(place);
      const { link } = pair;
      const expected = new ExpectedWinners();
      const recorder = new Recorder(pair[side], place, expected);
      link.shape(satellite);
      await pair.cut();
      for (let id = 0; id < backlog; id += 1)
        await recorder.insert({ id, at: pair[side].name, text: noise(id, 1_000) });
      const before = link.counters;
      pair.mend();
      const accepted = await dialledSlowly(pair);

      const rows = await converged(pair.nodes, place, expected, { limitMs: 30_000 + backlog * 500 });
      expect(rows.size).toBe(backlog);
      expect(link.counters.forwardedBytes - before.forwardedBytes).toBeGreaterThan(backlog * 1_000);
      expect(link.counters.accepted).toBe(accepted);
    },
  );
});

function noise(seed: number, length: number): string {
  let state = seed + 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return ((state >>> 16) % 36).toString(36);
  }).join('');
}
