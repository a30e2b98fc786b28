import { expect, test } from 'vitest';
import { channelOf, connected, peerOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';

import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

test('both ends show the clock of the other; what waits for a peer that is away is known after a restart', async () => {
  await using pair = await Pair.sharing(place);
  const { host, edge } = pair;
  const [schema, table] = place;
  await connected(host, edge);
  for (const [node, peer] of [
    [host, edge],
    [edge, host],
  ] as const) {
    const { clock_offset_ms: offsetMs = NaN, clock_uncertainty_ms: uncertaintyMs = NaN } = await waitFor(
      `the clock of ${peer.name} at ${node.name}`,
      async () => {
        const view = await peerOf(node, peer);
        return view?.clock_offset_ms !== undefined && view;
      },
    );
    // One machine has one clock; it is told in whole milliseconds.
    expect(Math.abs(offsetMs)).toBeLessThanOrEqual(uncertaintyMs + 2);
  }
  await waitFor('the edge to confirm', async () => hasConfirmedAll(host, edge));

  await edge.stop();
  for (let id = 0; id < 20; id += 1)
    await host.must({ operation: 'insert', schema, table, records: [{ id, text: 'x'.repeat(100) }] });

  const told = await channelOf(host, edge, place);
  expect(told).toMatchObject({ unconfirmed: 20, waiting: { transactions: 20 }, may_stay_away: '29 days' });
  expect(told?.waiting?.bytes).toBeGreaterThan(20 * 100);
  await host.restart();
  const later = await waitFor('the bridge', async () => {
    const channel = await channelOf(host, edge, place);
    return channel?.waiting !== undefined && channel;
  });
  expect(later.waiting).toEqual(told?.waiting);
  expect(later.may_stay_away).toBe('29 days');
});

test('what a peer lacks goes beyond the limit of the log with an alarm, and the peer that returns is served', async () => {
  await using pair = await Pair.sharing(place, { host: { CHANGELOG_MAXBYTES: '100KiB' } });
  const { host, edge } = pair;
  await connected(host, edge);
  await waitFor('the edge to confirm', async () => hasConfirmedAll(host, edge));
  const expected = new ExpectedWinners();
  const recorder = new Recorder(host, place, expected);
  await edge.stop();
  for (let id = 0; id < 40; id += 1) await recorder.insert({ id, text: 'x'.repeat(5_000) });

  const alarm =
    /^edge may stay away for \d+ seconds? more before it has to copy default\.shared: 40 transactions/;
  await waitFor('the alarm', async () =>
    (await peerOf(host, edge))?.alarms?.some((text) => alarm.test(text)),
  );
  expect(await channelOf(host, edge, place)).toMatchObject({ waiting: { transactions: 40 } });
  await waitFor('the alarm in the log', () => alarmsLogged(host).some((text) => alarm.test(text)));

  expect(await transactionsOf(host)).toBe(40);
  await edge.start();
  await converged(pair.nodes, place, expected);
  await waitFor('the alarm to end', async () => {
    const view = await peerOf(host, edge);
    return view?.status === 'open' && view.alarms === undefined;
  });
  // Each by itself: a copy would have brought them in pages.
  expect(await transactionsOf(edge)).toBe(40);
  expect(alarmsLogged(host).filter((text) => alarm.test(text))).toHaveLength(1);
});

/** Nothing is unconfirmed also of an empty table of which nothing was confirmed. */
async function hasConfirmedAll(node: ClusterNode, peer: ClusterNode): Promise<boolean> {
  return (await channelOf(node, peer, place))?.waiting?.transactions === 0;
}

async function transactionsOf(node: ClusterNode): Promise<number> {
  const [schema, table] = place;
  const logged = await node.must({ operation: 'read_transaction_log', schema, table, limit: 1_000 });
  return (logged as readonly unknown[]).length;
}

function alarmsLogged(node: ClusterNode): readonly string[] {
  return node.log
    .split('\n')
    .filter((line) => line.includes('alarm raised'))
    .map((line) => (JSON.parse(line) as { readonly alarm: string }).alarm);
}
