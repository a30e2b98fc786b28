import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connected, peerOf } from './support/cluster-view.ts';
import type { ClusterNode } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Load } from './support/load.ts';
import { isRunning, isStopped, type ProcessName } from './support/node-processes.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

/** How long a process stands still. FROZEN_MS in the environment of the tests makes it longer. */
const frozenMs = Number(process.env['FROZEN_MS'] ?? 2_500);

/** Proof of life is as old as this at most. */
const noticeLimitMs = 8_000;

/** Until the node says that the frozen one is silent, or the process that stood still is ended: it may be back by then. */
async function noticed(node: ClusterNode, frozen: ClusterNode, pid: number): Promise<void> {
  await waitFor(
    `${node.name} to notice that ${frozen.name} is silent`,
    async () => {
      if (!isStopped(pid)) return true;
      const view = await peerOf(node, frozen);
      if (view?.status === 'open') throw new Error(JSON.stringify(view));
      return view !== undefined;
    },
    { limitMs: noticeLimitMs, everyMs: 100 },
  );
}

test.each(['host', 'edge'] as const)(
  'each process of the %s stands still for a while during writes: the other side notices, and nothing is lost',
  async (side) => {
    await using pair = await Pair.sharing(place);
    await connected(pair.host, pair.edge);
    const victim = pair[side];
    const other = side === 'host' ? pair.edge : pair.host;
    const expected = new ExpectedWinners();
    await using victimLoad = new Load({ node: victim, place, expected, seed: 1, writers: 2 });
    await using otherLoad = new Load({ node: other, place, expected, seed: 2, writers: 2 });

    for (const which of ['bridge', 'nats', 'api'] as const satisfies readonly ProcessName[]) {
      await Promise.all([victimLoad.advance(10), otherLoad.advance(10)]);
      const before = await victim.whole();
      const { pid, thaw } = await victim.freeze(which);
      expect(pid).toBe(before[which]);
      // The host dials, so the link passes the nats-server of the edge only.
      const isSilent = which === 'bridge' || (which === 'nats' && side === 'edge');
      if (isSilent) await noticed(other, victim, pid);
      else await pause(frozenMs);
      // The other takes writes all the while, and so does the victim as long as its api runs.
      await otherLoad.advance(10);
      if (which === 'api') {
        const answered = victimLoad.acknowledged;
        await otherLoad.advance(10);
        expect(victimLoad.acknowledged).toBe(answered);
      } else await victimLoad.advance(10);
      if (isStopped(pid)) {
        thaw();
        await connected(pair.host, pair.edge);
        // It was not replaced: the very process that stood still goes on.
        expect((await victim.whole())[which]).toBe(pid);
      } else {
        // It stood still in the middle of a commit, and held up the writes of its node.
        expect(which).toBe('bridge');
        expect(victim.log).toContain(`"childPid":${pid},"waitedMs"`);
        await connected(pair.host, pair.edge);
      }
    }
    await Promise.all([victimLoad.advance(10), otherLoad.advance(10)]);
    await Promise.all([victimLoad.stop(), otherLoad.stop()]);

    const rows = await converged(pair.nodes, place, expected);
    expect(rows.size).toBeGreaterThan(100);
  },
);

test('a bridge that stands still in the middle of a commit is replaced within seconds, and the writes of its node go on', async () => {
  await using pair = await Pair.sharing(place);
  const { host, edge } = pair;
  await connected(host, edge);
  const expected = new ExpectedWinners();
  const atHost = new Recorder(host, place, expected);
  const atEdge = new Recorder(edge, place, expected);
  let batches = 0;
  /** The bridge of the edge has something to apply, and to commit, nearly all the time. */
  const sendBatch = async (): Promise<unknown> => {
    batches += 1;
    const records = Array.from({ length: 500 }, (_, index) => ({ id: `${batches}-${index}`, at: 'host' }));
    return atHost.insert(...records);
  };

  let heldPid: number | undefined;
  for (let attempt = 0; heldPid === undefined; attempt += 1) {
    if (attempt === 60) throw new Error('the bridge was never stopped in the middle of a commit');
    await Promise.all([sendBatch(), sendBatch()]);
    const { pid, thaw } = await edge.freeze('bridge');
    const startedMs = performance.now();
    expect(await atEdge.insert({ id: `at the edge ${attempt}` })).toBe('done');
    if (isStopped(pid)) {
      // It was in nobody's way, and is left alone.
      thaw();
      continue;
    }
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    heldPid = pid;
  }

  // Its lock is free a moment before it is gone.
  const gonePid = heldPid;
  await waitFor('the bridge that stood still to be gone', () => !isRunning(gonePid));
  expect(edge.log).toContain(`"childPid":${heldPid},"waitedMs"`);
  await atEdge.insert({ id: 'afterwards' });
  expect((await edge.whole()).bridge).not.toBe(heldPid);
  await connected(host, edge);
  const rows = await converged(pair.nodes, place, expected);
  expect(rows.size).toBeGreaterThan(batches * 500);
});
