import { expect, test } from 'vitest';
import { openPair } from './replica-pair.ts';
import { expectSame, settle } from './replica.ts';

test('attributes that come with several transactions at once are all known', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1, name: 'Rex' });
  await settle(a, b);
  await a.upsert({ id: 2, breed: 'terrier' });
  await a.upsert({ id: 3, weight: 7 });
  await a.upsert({ id: 4, breed: 'poodle' });

  await b.follow(a);

  expectSame(a, b);
  const names = b.table.attributes.map(({ name }) => name);
  expect(names).toEqual(a.table.attributes.map(({ name }) => name));
});
