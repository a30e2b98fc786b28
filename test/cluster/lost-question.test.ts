import { expect, test } from 'vitest';
import { connected, peerOf } from './support/cluster-view.ts';
import { NatsClient, seedOf } from './support/nats-client.ts';
import { Pair } from './support/pair.ts';
import { shared as place } from './support/tables.ts';
import { waitFor } from './support/wait-for.ts';

/** A new bridge starts, is greeted within two seconds, and is asked: much less than a question may take to be answered. */
const againLimitMs = 8_000;

test('what a bridge was asked before it was killed is asked of the next one as soon as that is heard of', async () => {
  await using pair = await Pair.sharing(place);
  const { host, edge } = pair;
  await connected(host, edge);
  // The host dials and asks; the edge's own nats-server shows which questions have reached it.
  await using watcher = await NatsClient.open({
    server: edge,
    credentials: { kind: 'key', seed: seedOf(edge) },
    inbox: 'watcher',
  });
  const { received: questions } = await watcher.subscribe('svc.*.digest');
  // A greeting is answered, and the next one two seconds away: it meets the next bridge, so that the link stays up.
  const latency = async (): Promise<number | undefined> => (await peerOf(host, edge))?.latency_ms;
  const before = await latency();
  await waitFor('a greeting to be answered', async () => (await latency()) !== before, { everyMs: 5 });
  const asked = questions.length;
  const { pid } = await edge.freeze('bridge');

  const [schema, table] = place;
  const compared = host.must({ operation: 'verify_replication', schema, table, timeout: 60_000 });
  await waitFor('the question to be at the edge', () => questions.length > asked, { everyMs: 5 });
  expect(await edge.kill('bridge')).toBe(pid);
  const killedAtMs = performance.now();

  expect(await compared).toMatchObject({ nodes: [{ node: edge.name, outcome: 'identical' }] });
  expect(performance.now() - killedAtMs).toBeLessThan(againLimitMs);
  expect((await edge.whole()).bridge).not.toBe(pid);
});
