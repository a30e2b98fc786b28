import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { channelOf, countOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { MemoryWatch } from './support/memory-watch.ts';
import { Network } from './support/network.ts';
import { Pair } from './support/pair.ts';
import type { Fields } from './support/record-bytes.ts';
import { expectSameRecords } from './support/same-records.ts';
import { makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const place = ['default', 'readings'] as const;
const channel = place.join(':');
const batch = 2_000;
/** Of what a bridge takes for itself, whatever the size of the table. */
const limitMiB = 250;

/** SCALE_ROWS=1000000 in the environment of the tests: minutes, not seconds. Without it only small tables are moved. */
const rows = Number(process.env['SCALE_ROWS'] ?? 0);

/** Of the node that receives: when so many rows have come. */
const kills = Array.from({ length: 20 }, (_, index) => Math.round(((index + 0.5) * rows) / 20));

const reading = (id: number): Fields => ({
  id,
  time: 1_700_000_000_000 + id * 1_000,
  machine: `machine ${id % 50}`,
  temperature: Math.round(Math.sin(id) * 10_000) / 100,
  pressure: Math.round(Math.cos(id) * 10_000) / 100,
  note: `reading number ${id} of a long day at the press, ${id % 7} of 7`,
});

describe.skipIf(rows === 0)(`${rows} rows`, () => {
  test(
    'are copied exactly to a node that is killed 20 times on the way',
    { timeout: 1_800_000 },
    async () => {
      await using network = await Network.starting(['source', 'killed']);
      using memory = new MemoryWatch(() =>
        network.nodes.map((node) => [node.name, node.pids().bridge] as const),
      );
      const source = network.node('source');
      await fill(source);

      const killedMs = await copyTo(network.node('killed'), source, kills);

      const { ownPeaksMiB } = memory;
      console.log(JSON.stringify({ rows, killedMs, ownPeaksMiB }));
      expect(Object.keys(ownPeaksMiB).toSorted()).toEqual(['killed', 'source']);
      for (const [name, peakMiB] of Object.entries(ownPeaksMiB))
        expect(peakMiB, `the bridge of ${name}`).toBeLessThan(limitMiB);
      await expectSameRecords(source, network.node('killed'), place, rows);
    },
  );

  test(
    'come to a node that is killed 20 times on the way in at most twice the time',
    { timeout: 1_800_000 },
    async () => {
      await using network = await Network.starting(['source', 'undisturbed', 'killed']);
      const source = network.node('source');
      await fill(source);

      const undisturbedMs = await copyTo(network.node('undisturbed'), source, []);
      const killedMs = await copyTo(network.node('killed'), source, kills);

      console.log(JSON.stringify({ rows, undisturbedMs, killedMs, ratio: killedMs / undisturbedMs }));
      expect(killedMs / undisturbedMs).toBeLessThanOrEqual(2);
    },
  );

  test(
    'of which 100 differ are made equal by less than a hundredth of their bytes',
    {
      timeout: 900_000,
    },
    async () => {
      await using pair = await Pair.start();
      const { host, edge, link } = pair;
      await fill(edge);
      await pair.connect([{ channel, publish: false, subscribe: true }]);
      await isLive(host, edge);
      const allBytes = link.counters.forwardedBytes;
      // Behind the back of the log, as a bug or a bad disk would.
      await host.stop();
      const lost = Array.from({ length: 100 }, (_, index) => Math.floor(((index + 0.5) * rows) / 100));
      expect(await forget(host, lost)).toBe(100);
      const before = link.counters.forwardedBytes;
      await host.start();
      const begunMs = performance.now();

      const answer = await waitFor(
        'the comparison',
        async () => {
          const { nodes } = (await host.must({
            operation: 'verify_replication',
            schema: place[0],
            table: place[1],
            timeout: 100_000,
          })) as {
            readonly nodes: readonly Fields[];
          };
          if (nodes[0]?.['outcome'] === 'unfinished') throw new Error(JSON.stringify(nodes));
          return nodes[0];
        },
        { limitMs: 300_000 },
      );
      const tookMs = performance.now() - begunMs;
      const repairBytes = link.counters.forwardedBytes - before;

      console.log(
        JSON.stringify({
          rows,
          allBytes,
          repairBytes,
          share: repairBytes / allBytes,
          tookMs,
          answer: { ...answer, repaired_hashes: undefined },
        }),
      );
      await expectSameRecords(edge, host, place, rows);
      expect(repairBytes / allBytes).toBeLessThan(0.01);
    },
  );
});

async function fill(node: ClusterNode): Promise<void> {
  const [schema, table] = place;
  await makeTable(node, place);
  for (let first = 0; first < rows; first += batch)
    await node.must({
      operation: 'insert',
      schema,
      table,
      records: Array.from({ length: Math.min(batch, rows - first) }, (_, index) => reading(first + index)),
    });
}

/** Connects a new node and waits until it is live; it is killed whenever so many rows have come. */
async function copyTo(node: ClusterNode, source: ClusterNode, kills: readonly number[]): Promise<number> {
  const begunMs = performance.now();
  await node.must({
    operation: 'add_node',
    name: source.name,
    ...source.address,
    subscriptions: [{ channel, publish: false, subscribe: true }],
  });
  for (const reached of kills) {
    await waitFor(`${reached} rows`, async () => ((await countOf(node, place)) ?? 0) >= reached, {
      limitMs: 120_000,
      everyMs: 5,
    });
    await node.powerOff();
    await node.start();
    expect(await countOf(node, place)).toBeLessThan(rows);
  }
  await isLive(node, source);
  return performance.now() - begunMs;
}

async function isLive(node: ClusterNode, source: ClusterNode): Promise<void> {
  await waitFor(
    `${node.name} to hold everything`,
    async () => {
      const view = await channelOf(node, source, place);
      const count = await countOf(node, place);
      if (view?.state !== 'live' || count !== rows) throw new Error(JSON.stringify({ view, count }));
      return true;
    },
    { limitMs: 600_000 },
  );
}

/** Takes rows out of the store of a node that is stopped; the number that were there. */
async function forget(node: ClusterNode, ids: readonly number[]): Promise<number> {
  const path = join(node.rootPath, 'database');
  await using environment = new LmdbEnvironment({ path, mapSizeBytes: 2 ** 36 });
  let gone = 0;
  await environment.commit(() => {
    const { records } = environment.trees;
    // Tables of the system have no rows under numbers.
    for (let table = 1; table < 64; table += 1)
      for (const id of ids) if (records.removeSync([table, id])) gone += 1;
  });
  return gone;
}
