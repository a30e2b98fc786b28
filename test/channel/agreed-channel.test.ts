import { expect, test } from 'vitest';
import { AgreedChannel } from '../../src/channel/agreed-channel.ts';
import type { NodeRow } from '../../src/model/node.ts';
import { TestStore } from '../store/test-store.ts';

const row: NodeRow = {
  name: 'cloud',
  addedVersion: 1,
  subscriptions: [{ database: 'dev', table: 'dog', publish: false, subscribe: true, version: 1 }],
};

async function openAgreed(): Promise<{ readonly node: TestStore; readonly agreed: AgreedChannel }> {
  const node = await TestStore.open();
  await node.store.catalog.createDatabase('dev');
  await node.store.nodes.put(row);
  const agreed = new AgreedChannel({ store: node.store, peer: 'cloud', database: 'dev', tableName: 'dog' });
  return { node, agreed };
}

test('a table that is taken from a peer is made as it is there', async () => {
  const { node, agreed } = await openAgreed();
  await using _ = node;

  const table = await agreed.table('name');

  expect(table).toMatchObject({ database: 'dev', name: 'dog', primaryKey: 'name' });
  expect(await agreed.table('name')).toEqual(table);
});

test('a table is not made once its database is dropped, whatever was on its way', async () => {
  const { node, agreed } = await openAgreed();
  await using _ = node;

  const dropped = node.store.catalog.dropDatabase('dev');
  const made = agreed.table('id');

  await dropped;
  expect(await made).toBeUndefined();
  expect(node.store.catalog.hasDatabase('dev')).toBe(false);
});

test('a table is not made for a peer that is removed meanwhile', async () => {
  const { node, agreed } = await openAgreed();
  await using _ = node;

  const removed = node.store.nodes.update('cloud', () => ({ ...row, subscriptions: [], removedVersion: 2 }));
  const made = agreed.table('id');

  await removed;
  expect(await made).toBeUndefined();
  expect(node.store.catalog.tables('dev')).toEqual([]);
});

test('a table is not made in a database whose name differs only by case from one that is there', async () => {
  const { node, agreed } = await openAgreed();
  await using _ = node;
  await node.store.catalog.dropDatabase('dev');
  await node.store.nodes.put(row);
  await node.store.catalog.createDatabase('Dev');

  await expect(agreed.table('id')).rejects.toMatchObject({ code: 'invalid_name' });

  expect(node.store.catalog.databases()).toEqual(['Dev']);
});
