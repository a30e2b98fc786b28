import { describe, expect, test } from 'vitest';
import { makeTable, tableOf } from '../store/test-store.ts';
import { records } from './replica-pair.ts';
import { both, connect, contentOf, expectSame, keysOf, Replica, settle } from './replica.ts';

/** A subscriber on which each look at the clock takes a millisecond, and what it was like after each of its commits. */
async function openSubscriber<T>(
  look: (replica: Replica) => T,
  tables = ['dog'],
): Promise<{ readonly b: Replica; readonly afterCommits: T[] }> {
  let steadyMs = 0;
  const afterCommits: T[] = [];
  const box: { replica?: Replica } = {};
  const b = await Replica.open('b', {
    steadyMs: () => (steadyMs += 1),
    onCommit: () => {
      if (tables.every((name) => box.replica?.store.catalog.table('dev', name)) && box.replica)
        afterCommits.push(look(box.replica));
    },
  });
  box.replica = b;
  return { b, afterCommits };
}

describe('while clients write at a subscriber', () => {
  test('what it takes in is spread over many commits, each with a whole number of transactions and their cursor', async () => {
    await using a = await Replica.open('a');
    const { b, afterCommits } = await openSubscriber((replica) => keysOf(replica).length);
    await using _b = b;
    await makeTable(a.store);
    await connect(a, b, both);
    await b.follow(a);
    for (let id = 0; id < 60; id += 2) await a.upsert({ id }, { id: id + 1 });
    b.store.localWrites.noticed();
    afterCommits.length = 0;

    const { response } = await b.step(a);

    expect(response.kind === 'items' && response.items).toHaveLength(30);
    expect(afterCommits.length).toBeGreaterThan(3);
    expect(afterCommits).toEqual([...new Set(afterCommits)].toSorted((one, other) => one - other));
    expect(afterCommits.every((rows) => rows % 2 === 0)).toBe(true);
    expect(b.cursor(a)?.seq).toBe(30);
    expect(contentOf(b)).toEqual(contentOf(a));
  });

  test('a page of a copy is spread too', async () => {
    await using a = await Replica.open('a');
    const { b, afterCommits } = await openSubscriber((replica) => [
      keysOf(replica).length,
      replica.cursor(a)?.copy?.afterKey,
    ]);
    await using _b = b;
    await makeTable(a.store);
    await a.upsert(...records(110));
    await connect(a, b, both);
    await b.step(a);
    b.store.localWrites.noticed();
    afterCommits.length = 0;

    const { response } = await b.step(a);

    expect(response).toMatchObject({ kind: 'page', isLast: true });
    expect(afterCommits).toEqual([
      [100, 99],
      [110, undefined],
    ]);
    await settle(a, b);
    expectSame(a, b);
  });

  test('without them it is one commit', async () => {
    await using a = await Replica.open('a');
    const commits: number[] = [];
    await using b = await Replica.open('b', { steadyMs: () => 5_000, onCommit: () => commits.push(1) });
    await makeTable(a.store);
    await connect(a, b, both);
    await b.follow(a);
    for (let id = 0; id < 60; id += 1) await a.upsert({ id });
    commits.length = 0;

    await b.step(a);

    expect(commits).toHaveLength(1);
    expect(keysOf(b)).toHaveLength(60);
  });

  test.each([
    { when: 'without them', isWriting: false },
    { when: 'with them', isWriting: true },
  ])('$when transactions over two tables share commits, and none is split', async ({ isWriting }) => {
    const names = ['dog', 'cat'];
    await using a = await Replica.open('a');
    const { b, afterCommits } = await openSubscriber(
      (replica) => names.map((name) => keysOf(replica, name).length),
      names,
    );
    await using _b = b;
    for (const name of names) await makeTable(a.store, name);
    await connect(a, b, both, names);
    for (const name of names) await b.follow(a, name);
    for (let id = 0; id < 40; id += 1)
      await a.store.transact(
        names.map((name) => ({
          table: tableOf(a.store, name),
          operation: 'upsert' as const,
          documents: [{ id }],
        })),
        undefined,
      );
    if (isWriting) b.store.localWrites.noticed();
    afterCommits.length = 0;

    await Promise.all(names.map(async (name) => b.step(a, name)));

    expect(afterCommits.at(-1)).toEqual([40, 40]);
    for (const [dogs, cats] of afterCommits) expect(dogs).toBe(cats);
    const commits = new Set(afterCommits.map(String)).size;
    expect(commits).toBeLessThan(20);
    if (isWriting) expect(commits).toBeGreaterThan(3);
  });
});
