import type { Msg } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { decodeItems } from '../../src/model/transaction-codec.ts';
import { channelResponse } from '../../src/channel/protocol.ts';
import { api } from './support/forbidden-subjects.ts';
import { copyOf } from './support/forged.ts';
import { GuardedCluster } from './support/guarded-cluster.ts';
import { waitFor } from './support/wait-for.ts';

test("a peer's key reads nothing that was written since a table is no longer published to it, though others read on and it had asked before", async () => {
  await using cluster = await GuardedCluster.start();
  await using client = await cluster.withGuestKey();
  const { vault, friend } = cluster;
  await friend.must({
    operation: 'update_node',
    name: 'vault',
    subscriptions: [{ channel: 'default:open', publish: false, subscribe: true }],
  });
  const { place } = await copyOf(client, 'guest', 'default:open');
  await client.call(
    'svc.guest.subscribe',
    { kind: 'subscribe', channel: 'default:open', cursor: place, sources: [] },
    channelResponse,
  );
  const tell = async (id: string): Promise<void> => {
    const records = [{ id, word: 'for whom it may concern' }];
    const { seq } = await cluster.placeOf('open');
    await vault.must({ operation: 'insert', schema: 'default', table: 'open', records });
    await waitFor(`${id} at the friend`, async () => (await friend.rows('default', 'open')).has(id));
    // Whatever way the friend had it: this is what the stream would deliver.
    await waitFor(`${id} to be in the stream`, async () => (await cluster.placeOf('open')).seq > seq);
  };
  const ask = async (body: unknown): Promise<readonly Msg[]> => {
    const inbox = `${client.inboxPrefix}.${Math.random().toString(36).slice(2)}`;
    const { received } = await client.subscribe(inbox);
    const subject = `${api}.CONSUMER.MSG.NEXT.default:open.guest`;
    expect(await client.publish(subject, JSON.stringify(body), inbox)).toBe('sent');
    return received;
  };
  const read = (): readonly number[] =>
    [held, ...greedy]
      .flat()
      .filter(({ headers }) => !headers?.code)
      .flatMap(({ data }) => decodeItems(data).map(({ seq }) => seq));
  // No longer than any node asks, and for no more at a time.
  const greedy = [
    await ask({ batch: 100_000, expires: 1_000_000_000 }),
    await ask({ batch: 10, expires: 86_400_000_000_000 }),
  ];
  const held = await ask({ batch: 100 });
  await tell('before');
  await waitFor('what was written before', () => read().length === 1);

  await vault.must({
    operation: 'update_node',
    name: 'guest',
    subscriptions: [{ channel: 'default:open', publish: false, subscribe: true }],
  });
  for (const id of ['at once', 'later', 'last']) await tell(id);

  await client.connection.flush();
  expect(read()).toEqual([place.seq + 1]);
  for (const heard of greedy) expect(heard.map(({ headers }) => headers?.code)).toEqual([409]);
  expect(await cluster.consumers('open')).not.toContain('guest');
});
