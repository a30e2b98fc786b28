import { expect, test } from 'vitest';
import type { NodeRow } from '../../src/model/node.ts';
import type { NodeRequest } from '../../src/operation/node/node-request.ts';
import { mergedRow, removedRow } from '../../src/operation/node/node-row.ts';
import { upsert } from '../store/test-store.ts';
import { rowOf } from './direct-session.ts';
import { openTables } from './replica-pair.ts';
import { greet, type Replica } from './replica.ts';

/** What remove_node does. */
async function remove(at: Replica, peer: Replica): Promise<void> {
  const version = await at.store.nodes.decide((version) => version);
  await at.store.nodes.update(peer.name, (row) => row && removedRow(row, version));
}

/** What add_node and update_node do, with both directions of a table. */
async function add(at: Replica, peer: Replica, table: string): Promise<void> {
  await addAs(await at.store.nodes.decide((version) => version), at, peer, table);
}

async function addAs(version: number, at: Replica, peer: Replica, table: string): Promise<void> {
  const request: NodeRequest = {
    dialect: 'manifest',
    name: peer.name,
    subscriptions: [{ database: 'dev', table, publish: true, subscribe: true }],
  };
  await at.store.nodes.update(peer.name, (row) => mergedRow(row, request, version));
}

/** Tables that a node exchanges with another. */
function shared(at: Replica, peer: Replica): string[] {
  const { subscriptions }: NodeRow = rowOf(at, peer);
  return subscriptions.flatMap(({ table, publish, subscribe }) => (publish || subscribe ? [table] : []));
}

test('what was agreed before a node was removed is not agreed when it is added again: it hears that it has ended', async () => {
  await using nodes = await openTables();
  const { a, b } = nodes;
  await remove(a, b);
  await add(a, b, 'dog');

  await greet(b, a);

  expect([shared(a, b), shared(b, a)]).toEqual([['dog'], ['dog']]);
  await upsert(a.store, { id: 1 });
  expect((await b.ask(a, 'cat')).response).toEqual({
    kind: 'waiting',
    reason: 'a does not publish dev.cat to b',
  });

  const before = [rowOf(a, b), rowOf(b, a)];
  await greet(a, b);
  expect([rowOf(a, b), rowOf(b, a)]).toEqual(before);
});

test('what is agreed after that counts, at whichever end', async () => {
  await using nodes = await openTables();
  const { a, b } = nodes;
  await remove(a, b);
  await add(a, b, 'dog');
  await greet(b, a);

  await add(b, a, 'cat');
  await greet(b, a);

  expect([shared(a, b), shared(b, a)].map((tables) => tables.toSorted())).toEqual([
    ['cat', 'dog'],
    ['cat', 'dog'],
  ]);
});

test('a removal that is told while a node is added again, later, does not end that', async () => {
  await using nodes = await openTables();
  const { a, b } = nodes;
  await remove(a, b);
  const told = a.hello(b);

  const adding = addAs((told.removedVersion ?? expect.fail('nothing was told')) + 1, b, a, 'dog');
  await b.hear(a, told);
  await adding;

  expect(rowOf(b, a).removedVersion).toBeUndefined();
  expect(shared(b, a)).toContain('dog');
});
