import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { countOf } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { MemoryWatch } from './support/memory-watch.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { expectSameRecords } from './support/same-records.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

/** BACKLOG_ROWS=1000000 in the environment of the tests is the large one. */
const total = Number(process.env['BACKLOG_ROWS'] ?? 200_000);
/** BACKLOG_ROW_BYTES=10000 makes two gigabytes of the 200,000 rows. */
const rowBytes = Number(process.env['BACKLOG_ROW_BYTES'] ?? 0);
const batch = rowBytes > 1_000 ? 250 : 1_000;
/** Slower than this is a standstill, whatever the machine. */
const leastBytesPerMs = 1_000;
const allMs = 90_000 + total * (0.2 + rowBytes / leastBytesPerMs);
const isLarge = total > 200_000 || rowBytes > 0;
const limitMiB = 400;
/** Of writes at the receiving node during the catch-up. */
const writeLimitMs = 100;
/** A write that takes longer was held up, whatever else runs on the machine. */
const standstillMs = 5_000;

test(
  `${total} rows that were inserted while the peer was down arrive; both bridges stay under 400 MiB, and writes there are acknowledged all the while`,
  { timeout: 2 * allMs },
  async () => {
    await using pair = await Pair.sharing(place);
    const { host, edge } = pair;
    const expected = new ExpectedWinners();
    const writer = new Recorder(edge, place, expected);
    await writer.insert({ id: 'before' });
    await converged(pair.nodes, place, expected);
    using memory = new MemoryWatch(() => pair.nodes.map((node) => [node.name, node.pids().bridge] as const));

    await host.stop();
    for (let first = 0; first < total; first += batch)
      await writer.insert(
        ...Array.from({ length: batch }, (_, index) => ({
          id: first + index,
          time: 1_700_000_000_000 + (first + index) * 1_000,
          temperature: Math.round(Math.sin(first + index) * 10_000) / 100,
          sensor: `machine ${(first + index) % 50}`,
          ...(rowBytes > 0 ? { image: randomBytes(rowBytes / 2).toString('hex') } : {}),
        })),
      );
    const begunMs = performance.now();
    await host.start();
    // The peer has missed all of it.
    expect(await countOf(host, place)).toBeLessThan(total);
    const local = new Recorder(host, place, expected);
    const latenciesMs: number[] = [];
    let isOver = false;
    const writing = (async () => {
      while (!isOver) {
        const sentMs = performance.now();
        const outcome = await local.insert({ id: `local-${latenciesMs.length}`, sensor: 'local' });
        expect(outcome, `write ${latenciesMs.length}`).toBe('done');
        latenciesMs.push(performance.now() - sentMs);
        await pause(10);
      }
    })();
    // Looked at when all rows are there; a failure of it is no reason to leave before.
    writing.catch(() => undefined);
    await waitFor(
      'all rows at the host',
      async () => {
        const described = await host.must({ operation: 'describe_table', schema: place[0], table: place[1] });
        return (described as { readonly record_count: number }).record_count > total + latenciesMs.length;
      },
      { limitMs: allMs, everyMs: 100 },
    ).finally(() => (isOver = true));
    const tookMs = Math.round(performance.now() - begunMs);
    await writing;
    const sorted = latenciesMs.toSorted((one, other) => one - other);
    const p99Ms = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity;

    console.log(
      JSON.stringify({
        total,
        rowBytes,
        tookMs,
        writes: sorted.length,
        p50Ms: sorted[sorted.length >> 1],
        p99Ms,
        peaksMiB: memory.peaksMiB,
        ownPeaksMiB: memory.ownPeaksMiB,
      }),
    );
    // More than a test can hold are compared by parts.
    if (isLarge) {
      await expectSameRecords(edge, host, place, total, rowBytes > 0 ? 1_000 : 50_000);
      const ids = ['before', ...latenciesMs.map((_, number) => `local-${number}`)];
      const [atHost, atEdge] = await Promise.all([host, edge].map(async (node) => node.records(place, ids)));
      expect(atHost).toHaveLength(ids.length);
      expect(atEdge).toEqual(atHost);
    } else await converged(pair.nodes, place, expected);
    for (const node of pair.nodes)
      await waitFor(
        `all rows at ${node.name}`,
        async () => (await countOf(node, place)) === total + 1 + latenciesMs.length,
      );
    expect(sorted.length).toBeGreaterThan(10);
    expect(sorted.at(-1)).toBeLessThan(standstillMs);
    // A stopwatch tells something only where nothing else runs: when the large one is asked for.
    if (total > 200_000) expect(p99Ms).toBeLessThan(writeLimitMs);
    // The pages of a store that is larger than the limit are the system's to keep or to drop.
    const peaks = isLarge ? memory.ownPeaksMiB : memory.peaksMiB;
    expect(Object.keys(peaks).toSorted((one, other) => one.localeCompare(other))).toEqual(['edge', 'host']);
    for (const [name, peakMiB] of Object.entries(peaks))
      expect(peakMiB, `the bridge of ${name}`).toBeLessThan(limitMiB);
  },
);
