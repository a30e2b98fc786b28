import { expect, test } from 'vitest';
import { makeTable, TestStore, upsert } from '../store/test-store.ts';
import { subscriptionStatus } from '../../src/channel/subscription-status.ts';
import { CountedEnvironment } from './counted-environment.ts';
import { StoreCounter } from './store-counter.ts';

/** Counts how often the file system is asked for the size of the store. */
class SizedEnvironment extends CountedEnvironment {
  sizes = 0;

  override get sizeBytes(): number {
    this.sizes += 1;
    return super.sizeBytes;
  }
}

test('what is told of a subscription asks nothing of the file system', async () => {
  let environment: SizedEnvironment | undefined;
  await using t = await TestStore.open({ wrap: (real) => (environment = new SizedEnvironment(real)) });
  await makeTable(t.store);
  const before = environment?.sizes;

  const status = subscriptionStatus({
    store: t.store,
    peer: 'edge',
    subscription: { database: 'dev', table: 'dog', publish: true, subscribe: true, version: 1 },
    peerStoreId: undefined,
    receiver: undefined,
    hello: undefined,
    heardAgoMs: 0,
    silence: undefined,
    stillMs: 0,
  });

  expect(status.conflicts).toBe(0);
  expect(environment?.sizes).toBe(before);
});

test('how long each further subscriber of a channel may stay away is known without a search of the log', async () => {
  const counter = new StoreCounter();
  await using t = await TestStore.open({ wrap: counter.wrap, now: () => 1_800_000_000_000 });
  const { id: tableId } = await makeTable(t.store);
  for (let id = 0; id < 100; id += 1) await upsert(t.store, { id });
  const first = t.store.endurance.of(tableId, 40);

  const { entries } = await counter.reading(async () => {
    for (const seq of [40, 50, 60, 70])
      expect(t.store.endurance.of(tableId, seq).growthBytesPerDay).toBe(first.growthBytesPerDay);
  });

  // The head, the place twice, the end of the log; and when each was committed.
  expect(entries).toBeLessThanOrEqual(4 * 4 + 3);
});
