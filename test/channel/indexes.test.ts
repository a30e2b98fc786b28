import { expect, test } from 'vitest';
import { expectIndexed, openDeleting, tagged } from './deleting-pair.ts';
import { expectSame, settle } from './replica.ts';

test('an index at a subscriber finds all that a copy and the channel brought, also after a restart', async () => {
  await using nodes = await openDeleting('apply');
  const { a, b } = nodes;
  await a.upsert({ id: 1, tag: 'copied' }, { id: 2, tag: 'copied' }, { id: 3, tag: 'copied' });
  await settle(a, b);
  expect(tagged(b, 'copied')).toEqual([1, 2, 3]);
  await a.upsert({ id: 2, tag: 'changed' }, { id: 4, tag: 'followed' });
  await a.delete(3);
  await settle(a, b);

  await b.restart();
  expect([tagged(b, 'copied'), tagged(b, 'changed'), tagged(b, 'followed')]).toEqual([[1], [2], [4]]);
  await a.upsert({ id: 4, tag: 'changed' });
  await settle(a, b);

  expect(tagged(b, 'copied')).toEqual([1]);
  expect(tagged(b, 'changed')).toEqual([2, 4]);
  expect(tagged(b, 'followed')).toEqual([]);
  await expectIndexed(b);
  expectSame(a, b);
});
