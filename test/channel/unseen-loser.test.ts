import { expect, test } from 'vitest';
import { makeTable } from '../store/test-store.ts';
import { conflictsOf } from './conflicts.ts';
import { openPair } from './replica-pair.ts';
import { expectSame, settle, type Replica } from './replica.ts';

const lostByB = [{ reason: 'concurrent', loser: { record: { id: 1, by: 'b' } } }];

/** Versions of record 1, the later ones based on the first. */
async function write(replica: Replica, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    replica.pass(10);
    await replica.upsert({ id: 1, by: replica.name, time });
  }
}

test.each([1, 2])(
  'what two nodes had before they met is a conflict, the winner written %i times',
  async (times) => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await makeTable(b.store);
    await b.upsert({ id: 1, by: 'b' });
    await write(a, times);

    await a.follow(b);
    await settle(a, b);

    expectSame(a, b);
    expect(conflictsOf(a)).toMatchObject(lostByB);
  },
);

const timesOf = (writtenMs: number) => ({ __createdtime__: writtenMs, __updatedtime__: writtenMs });

test('a conflict tells why, of which record, and both writes with who wrote them', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await settle(a, b);
  const startMs = a.nowMs;
  await b.upsert({ id: 1, by: 'b' });
  a.pass(10);
  await a.upsert({ id: 1, by: 'a' });
  a.pass(10);

  await a.follow(b);

  expect(conflictsOf(a)).toEqual([
    {
      id: `00${startMs + 20}-${a.table.id}-1`,
      reason: 'concurrent',
      schema: 'dev',
      table: 'dog',
      hash_value: 1,
      noted_at: startMs + 20,
      loser: {
        version: startMs * 1_000,
        origin: 'b',
        store_id: b.store.identity.storeId,
        record: { id: 1, by: 'b', ...timesOf(startMs) },
      },
      winner: {
        version: (startMs + 10) * 1_000,
        origin: 'a',
        store_id: a.store.identity.storeId,
        record: { id: 1, by: 'a', ...timesOf(startMs + 10) },
      },
    },
  ]);
});

test('what a copy overwrites is a conflict where its publisher has never had it', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await settle(a, b);
  await b.upsert({ id: 1, by: 'b' });
  await write(a, 2);
  await a.store.purgeChannel(a.table, {});

  await b.follow(a);

  expect(conflictsOf(b)).toMatchObject(lostByB);
});

test('what comes too late for what was written here twice is a conflict here', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await settle(a, b);
  await b.upsert({ id: 1, by: 'b' });
  await write(a, 2);

  await a.follow(b);

  expect(conflictsOf(a)).toMatchObject(lostByB);
});

test.each(['a', 'b'] as const)(
  'what was seen before it was overwritten twice is no conflict, when the log of %s is gone and a copy brings it',
  async (purged) => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await settle(a, b);
    await b.upsert({ id: 1, by: 'b' });
    await a.follow(b);
    await write(a, 2);
    const { store, table } = nodes[purged];
    await store.purgeChannel(table, {});
    await nodes[purged].upsert({ id: 2 });

    await settle(a, b);

    expectSame(a, b);
    expect([conflictsOf(a), conflictsOf(b)]).toEqual([[], []]);
  },
);
