import { describe, expect, test } from 'vitest';
import { conflictsTable } from '../../src/store/conflicts.ts';
import { dumpOf, maintain, makeTable, tableOf, TestStore, upsert } from './test-store.ts';

/** Every look at it takes a millisecond. */
function tickingClock(): () => number {
  let nowMs = 0;
  return () => (nowMs += 1);
}

const byName = {
  where: { operator: 'and', conditions: [{ attribute: 'name', comparator: 'starts_with', value: 'n' }] },
} as const;

test('the entries of the index of a dropped attribute are reclaimed, and no others', async () => {
  await using t = await TestStore.open();
  await makeTable(t.store, 'dog', ['name', 'tag']);
  await upsert(t.store, ...Array.from({ length: 3_000 }, (_, id) => ({ id, name: `n${id}`, tag: 't' })));
  const entries = async (): Promise<number> => (await dumpOf(t.path))['indexes']?.length ?? 0;
  const before = await entries();

  await t.store.catalog.dropAttribute('dev', 'dog', 'name');
  await maintain(t.store);

  expect(await entries()).toBe(before - 3_000);
  const byTag = {
    ...byName,
    where: { ...byName.where, conditions: [{ attribute: 'tag', comparator: 'equals', value: 't' }] },
  } as const;
  expect([...t.store.search(tableOf(t.store), byTag)]).toHaveLength(3_000);
});

test('an attribute that was dropped and made again keeps its new index', async () => {
  await using t = await TestStore.open();
  await makeTable(t.store, 'dog', ['name']);
  await upsert(t.store, { id: 1, name: 'n1' });

  await t.store.catalog.dropAttribute('dev', 'dog', 'name');
  await t.store.catalog.createAttribute('dev', 'dog', { name: 'name', indexed: true });
  await upsert(t.store, { id: 2, name: 'n2' });
  await maintain(t.store);

  expect([...t.store.search(tableOf(t.store), byName)].map(({ id }) => id)).toEqual([2]);
});

test('what takes long is done in many commits', async () => {
  const commits = { count: 0 };
  const onCommit = (): void => void (commits.count += 1);
  await using t = await TestStore.open({ steadyMs: tickingClock(), onCommit });
  const table = await makeTable(t.store);
  for (let id = 0; id < 100; id += 1) await upsert(t.store, { id, name: `n${id}` });

  commits.count = 0;
  expect(await t.store.purgeChannel(table, { keep: 10 })).toEqual({ purged: 90 });
  expect(commits.count).toBeGreaterThanOrEqual(9);
  expect(commits.count).toBeLessThan(20);

  commits.count = 0;
  await t.store.catalog.wantIndex(tableOf(t.store), 'name');
  await maintain(t.store);
  expect(commits.count).toBeGreaterThanOrEqual(10);
  expect(commits.count).toBeLessThan(30);
  expect([...t.store.search(tableOf(t.store), byName)]).toHaveLength(100);
});

describe('what lost to others is kept', () => {
  const dayMs = 86_400_000;
  const todayMs = 1_800_000_000_000;

  /** Conflicts c1 to c9 of a kilobyte each, one a day, the last of today. */
  async function noteNine({ store }: TestStore): Promise<void> {
    for (let number = 1; number <= 9; number += 1)
      await store.replaceSystemDocument(conflictsTable, `c${number}`, {
        id: `c${number}`,
        noted_at: todayMs - (9 - number) * dayMs,
        text: 'x'.repeat(1_000),
      });
  }

  function kept({ store }: TestStore): unknown[] {
    const conflicts = store.catalog.table('system', conflictsTable) ?? expect.fail('no table of conflicts');
    return [...store.search(conflicts, {})].map(({ id }) => id);
  }

  test.each([
    ['up to so many bytes', { maxBytes: 5_000 }, ['c6', 'c7', 'c8', 'c9']],
    ['up to so many', { maxCount: 3 }, ['c7', 'c8', 'c9']],
    ['for so long', { maxAgeMs: 1.5 * dayMs }, ['c8', 'c9']],
  ] as const)('%s, the newest', async (_what, conflictBounds, newest) => {
    await using t = await TestStore.open({ conflictBounds, now: () => todayMs });
    await noteNine(t);

    await maintain(t.store);

    expect(kept(t)).toEqual(newest);
  });

  test('for 30 days where nothing else is said', async () => {
    const clock = { nowMs: todayMs };
    await using t = await TestStore.open({ now: () => clock.nowMs });
    await noteNine(t);

    clock.nowMs = todayMs + 22 * dayMs;
    await maintain(t.store);
    expect(kept(t)).toHaveLength(9);
    clock.nowMs += 1;
    await maintain(t.store);

    expect(kept(t)).toEqual(['c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9']);
  });
});

test('an index that is being built keeps nothing else from its turn', async () => {
  await using t = await TestStore.open({ steadyMs: tickingClock() });
  const table = await makeTable(t.store);
  await upsert(t.store, ...Array.from({ length: 500 }, (_, id) => ({ id, name: `n${id}` })));
  const gone = await makeTable(t.store, 'gone');
  await t.store.write({ table: gone, operation: 'upsert', documents: [{ id: 1 }] });
  await t.store.catalog.dropTable('dev', 'gone');
  await t.store.catalog.wantIndex(tableOf(t.store), 'name');

  for (let step = 0; step < 5; step += 1) await t.store.maintenance.step();

  expect(tableOf(t.store).attributes.find(({ name }) => name === 'name')?.index).toBe('building');
  const left = (await dumpOf(t.path))['records'] ?? [];
  expect(left.filter((line) => line.startsWith(`[${gone.id},`))).toEqual([]);
  expect(left.filter((line) => line.startsWith(`[${table.id},`))).toHaveLength(500);
});
