import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MemoryBudget } from '../../src/runtime/memory-budget.ts';
import type { Tree } from '../../src/store/environment.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { LongRead, type Holder } from '../../src/store/long-read.ts';
import { TemporaryDirectory } from './test-store.ts';

const budget = { maxBytes: 1_000_000, freeBytes: 0 };

interface Reading {
  readonly read: LongRead<unknown, number>;
  readonly holding: ReadonlySet<Holder>;
}

/** Reads the keys of a tree, which are numbers, and may hold so many of them ahead. */
function begin(tree: Tree, maxAhead: number, take = (key: unknown): number => key as number): Reading {
  const holding = new Set<Holder>();
  const read = new LongRead<unknown, number>(
    {
      open: (after) =>
        tree.getKeys(after === undefined ? {} : { start: after, exclusiveStart: true })[Symbol.iterator](),
      keyOf: (key) => key as number,
      take,
      ahead: { bytesOf: () => 1, maxBytes: maxAhead, budget: new MemoryBudget(budget) },
    },
    { opened: (holder) => holding.add(holder), closed: (holder) => holding.delete(holder) },
  );
  return { read, holding };
}

async function withKeys(
  count: number,
  use: (tree: Tree, commit: (body: () => void) => Promise<void>) => Promise<void>,
): Promise<void> {
  await using directory = await TemporaryDirectory.make();
  await using environment = new LmdbEnvironment({
    path: join(directory.path, 'data'),
    mapSizeBytes: 2 ** 24,
  });
  const { heard } = environment.trees;
  await environment.commit(() => {
    for (let key = 0; key < count; key += 1) heard.putSync(key, Buffer.alloc(1));
  });
  await use(heard, async (body) => environment.commit(body));
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

test('what is read ahead is of the old snapshot, and what there was no room for of the new one', async () => {
  await withKeys(3_000, async (tree, commit) => {
    const { read, holding } = begin(tree, 1_500);
    const first = read.next().value;
    let goes = 1;
    while (read.readOn()) goes += 1;
    read.letGo();
    expect([first, goes, holding.size]).toEqual([0, 2, 0]);

    await commit(() => {
      for (const key of [500, 2_000, 2_500]) tree.removeSync(key);
    });

    // 2,000 entries were read on.
    expect([...read]).toEqual(numbers(1, 3_000).filter((key) => key !== 2_500));
    expect(holding.size).toBe(0);
  });
});

test('one that goes on meanwhile gives what was read ahead first', async () => {
  await withKeys(3_000, async (tree) => {
    const { read } = begin(tree, 10_000);
    read.next();

    expect(read.readOn()).toBe(true);
    const some = [read.next().value, read.next().value];
    expect(read.readOn()).toBe(true);
    read.letGo();

    expect([...some, ...read]).toEqual(numbers(1, 3_000));
  });
});

test('what reading ahead meets is told in its place', async () => {
  await withKeys(10, async (tree) => {
    const { read, holding } = begin(tree, 10_000, (key) => {
      if (key === 5) throw new Error('torn');
      return key as number;
    });
    read.next();

    expect(read.readOn()).toBe(false);
    read.letGo();

    const given: unknown[] = [];
    expect(() => {
      for (const key of read) given.push(key);
    }).toThrow('torn');
    expect(given).toEqual([1, 2, 3, 4]);
    expect(holding.size).toBe(0);
    expect(read.next().done).toBe(true);
  });
});
