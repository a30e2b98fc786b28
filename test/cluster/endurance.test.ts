import { expect, test } from 'vitest';
import { channelOf, connected, peerOf } from './support/cluster-view.ts';
import { Pair } from './support/pair.ts';

import { waitFor } from './support/wait-for.ts';

const place = ['default', 'shared'] as const;

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
  await waitFor('the edge to confirm', async () => (await channelOf(host, edge, place))?.unconfirmed === 0);

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
