import { expect, test } from 'vitest';
import { openPair } from './replica-pair.ts';
import { clusterProofs } from './replica.ts';

const told = [
  ['a table of system', 'system', 'hdb_user'],
  ['a database that is not called so here', 'de/v', 'dog'],
  ['a table that nobody can ask for', 'dev', 'dög'],
  ['a channel whose name is too long', 'dev', ' '.repeat(100)],
] as const;

test.each(told)('%s that a peer publishes, and proves, is not taken', async (_what, database, table) => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  const before = b.store.nodes.get('a');
  const claimed = { database, table, publish: true, subscribe: true, version: 99 };
  const message = a.hello(b);

  await b.hear(a, {
    ...message,
    subscriptions: [...message.subscriptions, { ...claimed, proof: clusterProofs.prove('a', 'b', claimed) }],
  });

  expect(b.store.nodes.get('a')?.subscriptions).toEqual(before?.subscriptions);
});

test('a subscription of a table of system in a row of a node is none', async () => {
  await using nodes = await openPair();
  const { b } = nodes;
  const row = b.store.nodes.get('a');
  if (!row) throw new Error('b does not know a');
  const planted = { database: 'system', table: 'hdb_user', publish: true, subscribe: true, version: 99 };

  await b.store.nodes.put({ ...row, subscriptions: [...row.subscriptions, planted] });

  expect(b.store.nodes.get('a')?.subscriptions).toEqual(row.subscriptions);
});
