import { expect, test } from 'vitest';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { MemoryWatch } from './support/memory-watch.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { waitFor } from './support/wait-for.ts';

const place = ['default', 'shared'] as const;
const total = 200_000;
const batch = 1_000;
const limitMiB = 400;

test('200,000 rows that were inserted while the peer was down arrive; both bridges stay under 400 MiB', async () => {
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
      })),
    );
  await host.start();
  // The peer has missed all of it.
  expect((await host.rows(...place)).size).toBeLessThan(total);
  await waitFor(
    'all rows at the host',
    async () => {
      const described = await host.must({ operation: 'describe_table', schema: place[0], table: place[1] });
      return JSON.stringify(described).includes(`"record_count":${total + 1},`);
    },
    { limitMs: 90_000, everyMs: 500 },
  );

  expect((await converged(pair.nodes, place, expected)).size).toBe(total + 1);
  const peaks = memory.peaksMiB;
  expect(Object.keys(peaks).toSorted((one, other) => one.localeCompare(other))).toEqual(['edge', 'host']);
  for (const [name, peakMiB] of Object.entries(peaks))
    expect(peakMiB, `the bridge of ${name}`).toBeLessThan(limitMiB);
});
