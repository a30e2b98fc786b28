import { describe, expect, test } from 'vitest';
import { localUser } from '../../src/operation/user/user.ts';
import { atOnce } from '../../src/runtime/pauses.ts';
import { documentsOf, maintain, rowsOf } from '../store/test-store.ts';
import { conflictsOf, resolve } from './conflicts.ts';
import { tombstonesOf } from './long-absence.ts';
import { openMesh, openPair, type Pair } from './replica-pair.ts';
import { expectSame, greet, keysOf, settle, type Replica } from './replica.ts';

const hourMs = 3_600_000;

/** Both nodes write record 1 unseen by each other; what a wrote loses. */
async function loseAtA({ a, b }: Pair): Promise<void> {
  await settle(a, b);
  await a.upsert({ id: 1, a: 1 });
  b.pass(1_000);
  await b.upsert({ id: 1, b: 2 });
  await settle(a, b);
  expect(documentsOf(a.store)).toEqual([{ id: 1, b: 2 }]);
}

function stateOf(replica: Replica): unknown[] {
  const { store, table } = replica;
  return [rowsOf(store), store.log.head(table.id), store.clock, conflictsOf(replica)];
}

describe('a conflict that is restored', () => {
  test('puts the whole of what had lost in the place of what it lost to, everywhere', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await loseAtA(nodes);
    const [conflict] = conflictsOf(a);
    const [winner] = rowsOf(a.store);
    a.pass(5_000);

    await resolve(a, conflict, 'restore');
    const restoredAtMs = a.nowMs;
    await settle(a, b);

    expect(documentsOf(a.store)).toEqual([{ id: 1, a: 1 }]);
    expect(a.store.get(a.table, 1)).toEqual({ ...conflict?.loser.record, __updatedtime__: restoredAtMs });
    expectSame(a, b);
    expect(rowsOf(b.store)).toMatchObject([
      { origin: a.store.identity, base: { version: winner?.version, origin: winner?.origin } },
    ]);
    expect([...atOnce(a.store.transactionLog(a.table, {}))].at(-1)).toMatchObject({
      operation: 'upsert',
      user: localUser.username,
    });
    expect(conflictsOf(a)).toEqual([]);
  });

  test('deletes where a delete had lost', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    await a.delete(1);
    b.pass(1_000);
    await b.upsert({ id: 1, b: 2 });
    await settle(a, b);
    expect(keysOf(a)).toEqual([1]);
    const [conflict] = conflictsOf(a);

    await resolve(a, conflict, 'restore');
    await settle(a, b);

    expect([keysOf(a), keysOf(b)]).toEqual([[], []]);
    expectSame(a, b);
    expect([...atOnce(a.store.transactionLog(a.table, {}))].at(-1)).toMatchObject({ operation: 'delete' });
  });

  test('is restored in one commit', async () => {
    let commits = 0;
    await using nodes = await openPair({ onCommit: () => (commits += 1) });
    const { a } = nodes;
    await loseAtA(nodes);
    const [conflict] = conflictsOf(a);
    commits = 0;

    await resolve(a, conflict, 'restore');

    expect(commits).toBe(1);
  });

  test('is restored after the delete that it lost to is forgotten', async () => {
    await using nodes = await openPair({ tombstoneRetentionMs: hourMs });
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    await a.upsert({ id: 1, a: 1 });
    b.pass(1_000);
    await b.delete(1);
    await settle(a, b);
    const [conflict] = conflictsOf(a);
    for (let round = 0; round < 3; round += 1) {
      for (const replica of [a, b]) replica.pass(2 * hourMs);
      await greet(a, b);
      for (const replica of [a, b]) await maintain(replica.store);
    }
    expect([tombstonesOf(a), tombstonesOf(b)]).toEqual([0, 0]);

    await resolve(a, conflict, 'restore');
    await settle(a, b);

    expect(documentsOf(b.store)).toEqual([{ id: 1, a: 1 }]);
    expectSame(a, b);
  });

  test('brings no attribute back that was dropped since', async () => {
    await using nodes = await openPair();
    const { a } = nodes;
    await loseAtA(nodes);
    const [conflict] = conflictsOf(a);
    await a.store.catalog.dropAttribute('dev', 'dog', 'a');

    await resolve(a, conflict, 'restore');

    expect(documentsOf(a.store)).toEqual([{ id: 1 }]);
  });
});

describe('a conflict is not restored', () => {
  test('over a write that came after its winner, and can still be dismissed', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await loseAtA(nodes);
    const [conflict] = conflictsOf(a);
    const winner = rowsOf(a.store)[0]?.version;
    await b.upsert({ id: 1, b: 3 });
    await settle(a, b);
    const now = rowsOf(a.store)[0]?.version;
    const before = stateOf(a);

    await expect(resolve(a, conflict, 'restore')).rejects.toMatchObject({
      code: 'record_changed',
      message:
        `Record '1' of 'dev.dog' is no longer what conflict '${conflict?.id}' was lost to ` +
        `(version ${winner} of 'b'), but version ${now} of 'b': look at the record, then write what it should be, or dismiss the conflict`,
    });

    expect(stateOf(a)).toEqual(before);
    await resolve(a, conflict, 'dismiss');
    expect(conflictsOf(a)).toEqual([]);
    expect(documentsOf(a.store)).toEqual([{ id: 1, b: 3 }]);
  });

  test('over a delete that came after its winner', async () => {
    await using nodes = await openPair();
    const { a } = nodes;
    await loseAtA(nodes);
    const [conflict] = conflictsOf(a);
    await a.delete(1);

    await expect(resolve(a, conflict, 'restore')).rejects.toThrow(/, but deleted by version \d+ of 'a': /);

    expect(keysOf(a)).toEqual([]);
  });

  test('where another node has restored it already', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await loseAtA(nodes);
    await resolve(a, conflictsOf(a)[0], 'restore');
    await settle(a, b);
    const before = stateOf(b);

    await expect(resolve(b, conflictsOf(b)[0], 'restore')).rejects.toMatchObject({ code: 'record_changed' });

    expect(stateOf(b)).toEqual(before);
  });

  test('while its winner has lost in its turn, nor once another one of the record is restored', async () => {
    await using nodes = await openMesh();
    const { a, b, c } = nodes;
    await a.upsert({ id: 1, by: 'a' });
    b.pass(1_000);
    await b.upsert({ id: 1, by: 'b' });
    c.pass(2_000);
    await c.upsert({ id: 1, by: 'c' });
    await a.follow(b);
    await a.follow(c);
    const [older, newer] = conflictsOf(a);
    expect([older, newer]).toMatchObject([
      { loser: { record: { by: 'a' } }, winner: { record: { by: 'b' } } },
      { loser: { record: { by: 'b' } }, winner: { record: { by: 'c' } } },
    ]);

    await expect(resolve(a, older, 'restore')).rejects.toMatchObject({ code: 'record_changed' });
    expect(documentsOf(a.store)).toEqual([{ id: 1, by: 'c' }]);
    await resolve(a, newer, 'restore');
    await expect(resolve(a, older, 'restore')).rejects.toMatchObject({ code: 'record_changed' });
    await settle(a, b, c);

    expect(documentsOf(c.store)).toEqual([{ id: 1, by: 'b' }]);
    expectSame(a, b, c);
    expect(conflictsOf(a).map(({ id }) => id)).toEqual([older?.id]);
  });

  test('into another table that was made under the name of the one in which it arose', async () => {
    await using nodes = await openPair();
    const { a } = nodes;
    await loseAtA(nodes);
    const [conflict] = conflictsOf(a);
    await a.store.catalog.dropTable('dev', 'dog');
    await a.store.catalog.createTable({ database: 'dev', name: 'dog', primaryKey: 'name' });

    await expect(resolve(a, conflict, 'restore')).rejects.toMatchObject({
      code: 'table_missing',
      message: `The table 'dev.dog' of conflict '${conflict?.id}' was dropped: dismiss the conflict`,
    });

    expect(rowsOf(a.store)).toEqual([]);
  });
});

test('conflicts of a table that is dropped go with its rows, and no others', async () => {
  await using nodes = await openPair();
  const { a } = nodes;
  await loseAtA(nodes);
  const another = { id: `${'0'.repeat(15)}-0-1`, noted_at: a.nowMs };
  await a.store.replaceSystemDocument('hdb_conflicts', another.id, another);

  await a.store.catalog.dropTable('dev', 'dog');
  await maintain(a.store);

  expect(conflictsOf(a)).toEqual([another]);
});
