import { expect, test } from 'vitest';
import { nodeAlarms } from '../../src/channel/alarms.ts';
import { subscriptionStatus } from '../../src/channel/subscription-status.ts';
import { connect, Replica } from '../channel/replica.ts';
import { makeTable } from '../store/test-store.ts';
import type { StoreReads } from './counted-environment.ts';
import { StoreCounter } from './store-counter.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

/** A publisher, what it has sent too early at its subscriber, and somebody who subscribes there. */
interface Nodes {
  readonly a: Replica;
  readonly b: Replica;
  readonly c: Replica;
}

type Call = (nodes: Nodes) => unknown;

interface Frequent {
  readonly name: string;
  /** What comes before it and is not counted. */
  readonly ready?: Call;
  readonly call: Call;
}

const storeIdOf = ({ a }: Nodes): string => a.store.identity.storeId;

const calls: readonly Frequent[] = [
  { name: 'a step of maintenance', call: async ({ b }) => b.store.maintenance.step() },
  { name: 'whether there is room', call: (nodes) => nodes.b.store.quarantine.hasRoom('a', 1) },
  {
    name: 'what a comparison would prove',
    call: (nodes) =>
      nodes.b.store.comparison.provable({ peer: 'a', storeId: storeIdOf(nodes), table: nodes.b.table }),
  },
  { name: 'the alarms of a node', call: ({ b }) => nodeAlarms(b.store) },
  {
    name: 'the status of a subscription',
    call: ({ a, b }) => {
      const { subscriptions, storeId } = b.store.nodes.get('a') ?? expect.fail('no peer');
      const facts = {
        store: b.store,
        peer: 'a',
        peerStoreId: storeId,
        heardAgoMs: 0,
        stillMs: 0,
        silence: undefined,
      };
      const subscription = subscriptions[0] ?? expect.fail('no subscription');
      return subscriptionStatus({ ...facts, subscription, receiver: b.receiver(a), hello: undefined });
    },
  },
  { name: 'the first answer to a subscriber', call: async ({ b, c }) => c.ask(b) },
  {
    name: 'one more that comes too early',
    ready: async ({ a }) => a.upsert({ id: 'one more' }),
    call: async ({ a, b }) => b.follow(a),
  },
];

async function readsOf(count: number, textBytes: number, { ready, call }: Frequent): Promise<StoreReads> {
  const counter = new StoreCounter();
  const options = { maxClockSkewMs: 60_000, steadyMs: () => 0 };
  await using a = await Replica.open('a', options);
  await using b = await Replica.open('b', { ...options, wrap: counter.wrap });
  await using c = await Replica.open('c', options);
  await makeTable(a.store);
  await connect(a, b);
  await connect(b, c);
  await b.follow(a);
  a.pass(3_600_000);
  for (let id = 0; id < count; id += 1) await a.upsert({ id, text: 'x'.repeat(textBytes) });
  await b.follow(a);
  await ready?.({ a, b, c });
  expect(quarantinedAt(b.store)).toHaveLength(count);
  return await counter.reading(async () => call({ a, b, c }));
}

test.each(calls)('what is in quarantine is not read for $name', async (frequent) => {
  const few = await readsOf(10, 10, frequent);

  const many = await readsOf(100, 20_000, frequent);

  expect.soft(many.entries).toBe(few.entries);
  // Numbers that are larger may take some bytes more.
  expect(many.bytes - few.bytes).toBeLessThan(100);
});
