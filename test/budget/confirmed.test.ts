import { expect, test } from 'vitest';
import type { Subscription } from '../../src/model/node.ts';
import { makeTable, TestStore } from '../store/test-store.ts';
import { StoreCounter } from './store-counter.ts';

test('what a peer has confirmed of many tables is noted with one look at its row', async () => {
  const counter = new StoreCounter();
  await using t = await TestStore.open({ wrap: counter.wrap });
  const names = Array.from({ length: 40 }, (_, index) => `table-${index}`);
  const ids = await Promise.all(names.map(async (name) => (await makeTable(t.store, name)).id));
  const subscriptions = names.map((table): Subscription => ({
    database: 'dev',
    table,
    publish: true,
    subscribe: false,
    version: 1,
  }));
  await t.store.nodes.put({ name: 'edge', addedVersion: 1, subscriptions });
  const told = ids.map((tableId) => ({ tableId, seq: 1, id: 'one' }));

  const counts = await counter.counting(() => t.store.confirmed.note('edge', told));

  expect(counts['confirmed puts']).toBe(40);
  expect(counts['records gets']).toBe(1);
});
