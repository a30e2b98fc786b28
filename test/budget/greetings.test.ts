import { expect, test } from 'vitest';
import { connect, Replica, settle } from '../channel/replica.ts';
import { makeTable } from '../store/test-store.ts';
import { StoreCounter } from './store-counter.ts';

test('a greeting reads none of the newest transactions again, however many channels and peers there are', async () => {
  const counter = new StoreCounter();
  await using a = await Replica.open('a', { wrap: counter.wrap });
  await using b = await Replica.open('b');
  await using c = await Replica.open('c');
  const tables = ['dog', 'cat', 'cow'];
  for (const name of tables) await makeTable(a.store, name);
  for (const peer of [b, c]) await connect(a, peer, { publish: true, subscribe: false }, tables);
  await settle(a, b);
  const text = 'x'.repeat(1_000_000);
  for (const name of tables) {
    const table = a.store.catalog.table('dev', name) ?? expect.fail('no table');
    await a.store.write({ table, operation: 'upsert', documents: [{ id: 1, text }] });
  }
  const first = a.hello(b);
  expect(first.heads['dev:cow']).toEqual({ seq: 1, committedAtMs: a.nowMs });

  const { bytes } = await counter.reading(async () => {
    for (const peer of [b, c, b]) expect(a.hello(peer).heads).toEqual(first.heads);
  });

  expect(bytes).toBeLessThan(100_000);
});
