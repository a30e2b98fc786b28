import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { alarmsOf, channelOf, connected } from './support/cluster-view.ts';
import { ClusterNode, type Answer } from './support/cluster-node.ts';
import { converged } from './support/converged.ts';
import { ExpectedWinners } from './support/expected-winners.ts';
import { Pair } from './support/pair.ts';
import { Recorder } from './support/recorder.ts';
import { SmallDisk } from './support/small-disk.ts';
import { makeTable, shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

const { hindrance } = SmallDisk;
if (hindrance !== undefined) console.warn(`disk-full.test.ts is skipped: ${hindrance}`);

interface Filling {
  readonly acknowledged: number;
  readonly refusal: Answer;
}

/** Writes until the node refuses. What was refused is told to nobody: it must be nowhere. */
async function writeUntilFull(node: ClusterNode, expected: ExpectedWinners, name: string): Promise<Filling> {
  const [schema, table] = place;
  for (let index = 0; index < 5_000; index += 1) {
    const records = Array.from({ length: 4 }, (_, part) => ({
      id: `${name}-${index}-${part}`,
      text: 'f'.repeat(4_000),
    }));
    const sentMs = performance.now();
    const answer = await node.op({ operation: 'insert', schema, table, records });
    if (answer.status !== 200) return { acknowledged: index, refusal: answer };
    for (const { id, ...fields } of records)
      expected.add({
        node: node.name,
        operation: 'insert',
        id,
        fields,
        outcome: 'done',
        request: -1 - index,
        sentMs,
        endedMs: performance.now(),
      });
  }
  throw new Error('the disk was never full');
}

function natsLogOf(node: ClusterNode): string {
  return readFileSync(join(node.rootPath, 'nats', 'nats.log'), 'utf8');
}

/** Whoever reads it sees what to do. */
function expectClear({ status, body }: Answer): void {
  expect(status).toBe(507);
  expect(body).toEqual({
    error: expect.stringMatching(
      /^Nothing was written: the disk of .* is full: .*; make room there/,
    ) as string,
  });
}

test.skipIf(hindrance !== undefined)(
  'a full disk refuses writes, keeps what was acknowledged, and works again once there is room',
  async () => {
    using disk = SmallDisk.make(160);
    await using pair = await Pair.start();
    const edge = ClusterNode.create('edge', { STORAGE_MINFREEDISKBYTES: '4MiB' }, disk.directory);
    await pair.replaceEdge(edge);
    await edge.start();
    await makeTable(pair.host, place);
    await pair.connect([{ channel: 'default:shared', publish: true, subscribe: true }]);
    await waitFor('the table', () => edge.hasTable(...place));
    const expected = new ExpectedWinners();
    const atHost = new Recorder(pair.host, place, expected);
    const atEdge = new Recorder(edge, place, expected);
    await atHost.insert({ id: 'before at the host' });
    await atEdge.insert({ id: 'before at the edge' });
    await converged(pair.nodes, place, expected);
    const processes = await edge.whole();

    // Room for a few hundred records.
    disk.fillUpTo(12 << 20);
    const first = await writeUntilFull(edge, expected, 'filling');
    expect(first.acknowledged).toBeGreaterThan(10);
    expectClear(first.refusal);
    // Neither do writes of the peer get lost on a node that has no room for them.
    for (let index = 0; index < 50; index += 1)
      await atHost.insert({ id: `host-${index}`, text: 'h'.repeat(4_000) });
    await waitFor('the edge to say that it waits for room', async () => {
      const channel = await channelOf(edge, pair.host, place);
      if (channel?.state !== 'waiting') throw new Error(JSON.stringify(channel));
      return /is full/.test(channel.reason ?? '');
    });
    expect(await alarmsOf(edge)).toContainEqual(
      expect.stringMatching(/^writes are refused, and nothing is taken from peers: the disk of .* is full/),
    );
    // What makes room is taken.
    const kept = Math.floor(first.acknowledged / 2);
    for (let index = kept; index < first.acknowledged; index += 1)
      await atEdge.delete(...[0, 1, 2, 3].map((part) => `filling-${index}-${part}`));
    // Others take the rest, to the last byte.
    disk.fillUpTo(0);
    expectClear((await writeUntilFull(edge, expected, 'still-full')).refusal);
    // Nothing of it was acknowledged and lost, nor refused and kept; it reads.
    expect(expected.problems(await edge.rows(...place)).filter((line) => !line.startsWith('host-'))).toEqual(
      [],
    );
    await connected(pair.host, edge);
    // Deletes fill what they leave; nats-server cannot write them down, and after that its stream takes nothing more.
    const isStreamBroken = (): boolean => /no space left on device/.test(natsLogOf(edge));
    for (let index = 0; !isStreamBroken(); index += 1) {
      expect(index).toBeLessThan(kept);
      await atEdge.delete(`filling-${index}-0`);
      disk.fillUpTo(0);
    }
    expect(disk.freeBytes).toBeLessThan(1 << 20);

    disk.makeRoom();
    await takesWrites(edge, { id: 'room again' });
    await atEdge.upsert({ id: 'room again' });
    await connected(pair.host, edge);
    await converged(pair.nodes, place, expected);
    // The very processes that were there all the time.
    expect(await edge.whole()).toEqual(processes);

    // Nor does a start need room.
    await edge.stop();
    disk.fillUpTo(0);
    await edge.start();
    expect(disk.freeBytes).toBe(0);
    expect(expected.problems(await edge.rows(...place))).toEqual([]);
    expectClear((await writeUntilFull(edge, expected, 'full-at-start')).refusal);
    await atEdge.delete('before at the edge');
    disk.makeRoom();
    await connected(pair.host, edge);
    await takesWrites(edge, { id: 'last at the edge' });
    await atEdge.upsert({ id: 'last at the edge' });
    await atHost.insert({ id: 'last at the host' });
    const rows = await converged(pair.nodes, place, expected);
    expect(rows.has('room again')).toBe(true);
  },
);

/** Until the node has noticed that there is room. */
async function takesWrites(node: ClusterNode, record: { readonly id: string }): Promise<void> {
  const [schema, table] = place;
  await waitFor('the node to take writes again', async () => {
    const { status } = await node.op({ operation: 'upsert', schema, table, records: [record] });
    return status === 200;
  });
}
