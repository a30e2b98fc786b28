import { expect, test } from 'vitest';
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

test('what lost to others is kept up to so many bytes, the newest', async () => {
  await using t = await TestStore.open({ maxConflictBytes: 5_000 });
  const conflicts = t.store.catalog.table('system', conflictsTable) ?? expect.fail('no table of conflicts');
  for (let number = 1; number <= 9; number += 1)
    await t.store.replaceSystemDocument(conflictsTable, `c${number}`, {
      id: `c${number}`,
      noted_at: Date.now(),
      text: 'x'.repeat(1_000),
    });

  await maintain(t.store);

  const kept = [...t.store.search(conflicts, {})].map(({ id }) => id);
  expect(kept).toEqual(['c6', 'c7', 'c8', 'c9']);
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
