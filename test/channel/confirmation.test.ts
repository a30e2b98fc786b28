import { expect, test } from 'vitest';
import { openPair } from './replica-pair.ts';
import { greet, settle } from './replica.ts';

test('a hello confirms what the peer has applied of this history, and nothing of another one', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await a.upsert({ id: 2 });
  await settle(a, b);
  await a.store.redrawIdentity();

  await a.hear(b);
  expect(a.store.confirmed.get('b', a.table.id)).toBeUndefined();

  await greet(a, b);
  await settle(a, b);
  await a.hear(b);
  const { headSeq, headId } = a.store.log.head(a.table.id);
  expect(a.store.confirmed.get('b', a.table.id)).toMatchObject({ seq: headSeq, id: headId });
});
