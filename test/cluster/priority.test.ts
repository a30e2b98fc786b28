import { expect, test } from 'vitest';
import { channelOf, countOf } from './support/cluster-view.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { makeTable } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const raw = ['default', 'raw'] as const;
const alert = ['default', 'alert'] as const;
const rawRows = 30_000;
const alerts = 50;
const batch = 100;

test('after an outage 50 alerts that were written after 30,000 raw rows are at the peer before half of the raw rows are', async () => {
  await using pair = await Pair.start();
  const { host, edge, link } = pair;
  for (const place of [raw, alert]) await makeTable(edge, place);
  const subscription = { publish: false, subscribe: true };
  await host.must({
    operation: 'add_node',
    name: edge.name,
    ...link.address,
    subscriptions: [
      { channel: 'default:raw', ...subscription, priority: 1 },
      { channel: 'default:alert', ...subscription, priority: 9 },
    ],
  });
  const expected = { raw: new ExpectedWinners(), alert: new ExpectedWinners() };
  const sensor = new Recorder(edge, raw, expected.raw);
  const watch = new Recorder(edge, alert, expected.alert);
  await sensor.insert({ id: 'before' });
  await watch.insert({ id: 'before' });
  await converged(pair.nodes, raw, expected.raw);
  await converged(pair.nodes, alert, expected.alert);

  await pair.cut();
  for (let first = 0; first < rawRows; first += batch)
    await sensor.insert(
      ...Array.from({ length: batch }, (_, index) => ({
        id: first + index,
        reading: Math.sin(first + index),
      })),
    );
  for (let id = 0; id < alerts; id += 1) await watch.insert({ id, text: 'too hot' });
  expect(await countOf(host, raw)).toBe(1);
  // So slow that the order shows, whatever else the machine does.
  link.shape({ bytesPerSecond: 256 * 1024, delayMs: 20 });
  pair.mend();
  await waitFor('the alerts', async () => (await countOf(host, alert)) === alerts + 1, { everyMs: 10 });
  const rawThen = (await countOf(host, raw)) ?? 0;

  expect(rawThen).toBeLessThan(rawRows / 2);
  link.shape(undefined);
  await converged(pair.nodes, alert, expected.alert);
  expect((await converged(pair.nodes, raw, expected.raw)).size).toBe(rawRows + 1);
  expect(await channelOf(edge, host, alert)).toMatchObject({ publish: true, subscribe: false, priority: 9 });
});
