import { describe, expect, test } from 'vitest';
import { channelOf, connected, peerOf, quarantineOf } from './support/cluster-view.ts';
import { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { FalseClock } from './support/false-clock.ts';
import { Pair } from './support/pair.ts';
import type { Fields } from './support/record-bytes.ts';
import { Recorder } from './support/recorder.ts';
import { makeTable, shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const both = [{ channel: 'default:shared', publish: true, subscribe: true }];
const hourMs = 3_600_000;
const { hindrance } = FalseClock;
if (hindrance !== undefined) console.warn(`clock.test.ts is skipped: ${hindrance}`);

/** A host that is right, an edge whose clock the test sets, and a table that both share. */
async function pairWithClocks(
  hostClock: FalseClock,
  edgeClock: FalseClock,
  maxClockSkewMs: number,
): Promise<Pair> {
  const skew = { CLUSTERING_MAXCLOCKSKEWMS: String(maxClockSkewMs) };
  const pair = await Pair.sharing(place, {
    host: { ...hostClock.environment, ...skew },
    edge: { ...edgeClock.environment, ...skew },
  });
  await connected(pair.host, pair.edge);
  // The copy of what was there is over: from now on each transaction travels by itself.
  for (const [node, peer] of [
    [pair.host, pair.edge],
    [pair.edge, pair.host],
  ] as const)
    await waitFor(
      `${node.name} to follow`,
      async () => (await channelOf(node, peer, place))?.state === 'live',
    );
  return pair;
}

async function recordAt(node: ClusterNode, id: string): Promise<Fields | undefined> {
  return (await node.rows(...place)).get(id);
}

function timeOf(record: Fields | undefined): number {
  return Number(record?.['__updatedtime__']);
}

describe.skipIf(hindrance !== undefined)('a node whose clock is wrong', () => {
  test('by some seconds: what it writes waits in quarantine, is shown, and applies by itself when it is due', async () => {
    using hostClock = new FalseClock();
    using edgeClock = new FalseClock();
    await using pair = await pairWithClocks(hostClock, edgeClock, 3_000);
    const { host, edge } = pair;
    const expected = new ExpectedWinners();
    const atEdge = new Recorder(edge, place, expected);
    const atHost = new Recorder(host, place, expected);
    await atEdge.insert({ id: 'before' });
    await converged(pair.nodes, place, expected);

    edgeClock.set(12_000);
    for (let index = 0; index < 5; index += 1) await atEdge.exact('insert', { id: `ahead-${index}`, index });
    await atEdge.update({ id: 'before', ahead: true });
    expect(timeOf(await recordAt(edge, 'ahead-0'))).toBeGreaterThan(Date.now() + 5_000);

    await waitFor('the quarantine to be shown', async () => {
      const shown = await quarantineOf(host, edge, place);
      if (shown.quarantined !== 6) throw new Error(JSON.stringify(shown));
      return shown.alarms.some((alarm) => /6 transactions are in quarantine/.test(alarm));
    });
    for (const [node, peer, offsetMs] of [
      [host, edge, 12_000],
      [edge, host, -12_000],
    ] as const)
      await waitFor(`the clock of ${peer.name} at ${node.name}`, async () => {
        const shown = await peerOf(node, peer);
        if (Math.abs((shown?.clock_offset_ms ?? 0) - offsetMs) > 1_000)
          throw new Error(JSON.stringify(shown));
        return shown?.alarms?.some((alarm) => alarm.startsWith(`the clock of ${peer.name} is 1`));
      });
    expect([...(await host.rows(...place)).keys()]).toEqual(['before']);
    // The channel goes on: what comes the other way, and what is not too far ahead.
    await atHost.insert({ id: 'meanwhile' });
    await waitFor('the row of the host', async () => (await recordAt(edge, 'meanwhile')) !== undefined);
    edgeClock.set(0);

    await converged(pair.nodes, place, expected);
    const shown = await quarantineOf(host, edge, place);
    expect(shown).toEqual({ quarantined: 0, alarms: [] });
  });

  test('by an hour: its writes are not lost, win while they are the newest, and no longer', async () => {
    using hostClock = new FalseClock();
    using edgeClock = new FalseClock();
    await using pair = await pairWithClocks(hostClock, edgeClock, 5_000);
    const { host, edge } = pair;
    const expected = new ExpectedWinners();
    const atEdge = new Recorder(edge, place, expected);
    const atHost = new Recorder(host, place, expected);

    await atHost.insert({ id: 'before' });
    await converged(pair.nodes, place, expected);

    edgeClock.set(hourMs);
    await atEdge.exact('upsert', { id: 'contested', by: 'edge', from: 'the future' });
    await atEdge.insert({ id: 'only-edge' });
    expect(timeOf(await recordAt(edge, 'contested'))).toBeGreaterThan(Date.now() + hourMs - 60_000);
    await waitFor('the quarantine', async () => {
      const shown = await quarantineOf(host, edge, place);
      if (shown.quarantined !== 2) throw new Error(JSON.stringify([shown, await peerOf(host, edge)]));
      return true;
    });
    await atHost.exact('upsert', { id: 'contested', by: 'host' });
    await atHost.insert({ id: 'only-host' });
    await waitFor('the row of the host', async () => (await recordAt(edge, 'only-host')) !== undefined);
    // Neither is forced upon the other before its time.
    expect(timeOf(await recordAt(host, 'contested'))).toBeLessThan(Date.now() + 5_000);
    expect((await recordAt(host, 'contested'))?.['by']).toBe('host');
    expect(await recordAt(host, 'only-edge')).toBeUndefined();

    // Corrected; then the hour passes for both.
    edgeClock.set(0);
    await atEdge.insert({ id: 'corrected' });
    hostClock.set(hourMs);
    edgeClock.set(hourMs);
    const rows = await converged(pair.nodes, place, expected);
    expect(rows.get('contested')?.['by']).toBe('edge');

    // Whoever writes now is later than the future was.
    await atHost.exact('upsert', { id: 'contested', by: 'host', at: 'last' });
    const last = await converged(pair.nodes, place, expected);
    expect(last.get('contested')?.['at']).toBe('last');
    await connected(host, edge);
  });

  test('because it started again in 1970: nothing is lost, and later writes win', async () => {
    using hostClock = new FalseClock();
    using edgeClock = new FalseClock();
    await using pair = await pairWithClocks(hostClock, edgeClock, 5_000);
    const { host, edge } = pair;
    const expected = new ExpectedWinners();
    const atEdge = new Recorder(edge, place, expected);
    const atHost = new Recorder(host, place, expected);
    await atHost.exact('upsert', { id: 'contested', by: 'host', when: 'before' });
    await atEdge.insert({ id: 'edge-before' });
    await converged(pair.nodes, place, expected);

    await edge.stop();
    edgeClock.set(-Date.now() + 60_000);
    await edge.start();
    await atEdge.exact('upsert', { id: 'contested', by: 'edge', when: '1970' });
    for (let index = 0; index < 10; index += 1) await atEdge.insert({ id: `edge-1970-${index}` });
    await atEdge.delete('edge-before');
    expect((await edge.op({ operation: 'cluster_status' })).status).toBe(200);
    await atHost.insert({ id: 'host-meanwhile' });
    edgeClock.set(0);
    await connected(host, edge);

    const rows = await converged(pair.nodes, place, expected);
    // Written after it had seen the row of the host, whatever its clock said.
    expect(rows.get('contested')?.['when']).toBe('1970');
    await atHost.exact('upsert', { id: 'contested', by: 'host', when: 'after' });
    await converged(pair.nodes, place, expected);
    await atEdge.exact('upsert', { id: 'contested', by: 'edge', when: 'at last' });
    expect((await converged(pair.nodes, place, expected)).get('contested')?.['when']).toBe('at last');
    expect(await quarantineOf(host, edge, place)).toEqual({ quarantined: 0, alarms: [] });
    expect(await quarantineOf(edge, host, place)).toEqual({ quarantined: 0, alarms: [] });
  });

  test('at its very first start, in 1970: it joins once it has the time, and brings what it had written', async () => {
    using clock = new FalseClock(-Date.now() + 60_000);
    await using pair = await Pair.start();
    const { host } = pair;
    const young = ClusterNode.create('edge', clock.environment);
    await pair.replaceEdge(young);
    await young.start();
    await makeTable(young, place);
    const expected = new ExpectedWinners();
    const atYoung = new Recorder(young, place, expected);
    await atYoung.exact('insert', { id: 'first', by: 'edge' });
    expect(timeOf(await recordAt(young, 'first'))).toBeLessThan(365 * 86_400_000);

    clock.set(0);
    await atYoung.insert({ id: 'second' });
    await makeTable(host, place);
    const atHost = new Recorder(host, place, expected);
    await atHost.exact('upsert', { id: 'first', by: 'host' });
    await pair.connect(both);
    await connected(host, young);
    const rows = await converged(pair.nodes, place, expected);
    expect(new Set(rows.keys())).toEqual(new Set(['first', 'second']));
    expect(rows.get('first')?.['by']).toBe('host');
  });

  test('and set back while its peer is gone does not take the peer for alive', async () => {
    using hostClock = new FalseClock(hourMs);
    using edgeClock = new FalseClock(hourMs);
    await using pair = await pairWithClocks(hostClock, edgeClock, 5_000);
    const { host, edge } = pair;

    // In between two greetings: nothing is heard under the new time.
    await pair.cut();
    for (const clock of [hostClock, edgeClock]) clock.set(0);
    expect(hostClock.now()).toBeLessThan(Date.now() + hourMs / 2);

    for (const [node, peer] of [
      [host, edge],
      [edge, host],
    ] as const)
      await waitFor(
        `${node.name} to notice that ${peer.name} is gone`,
        async () => {
          const view = await peerOf(node, peer);
          if (view?.status === 'open') throw new Error(JSON.stringify(view));
          return view !== undefined;
        },
        { limitMs: 12_000, everyMs: 100 },
      );
  });
});
