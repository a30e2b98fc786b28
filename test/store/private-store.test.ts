import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestStore } from './test-store.ts';

function modesOf(path: string): readonly string[] {
  return [path, join(path, 'lyre.mdb'), join(path, 'lyre.mdb-lock')].map(modeOf);
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test('a store can be read by its owner only', async () => {
  await using t = await TestStore.open();

  expect(modesOf(t.path)).toEqual(['700', '600', '600']);
});

test('a store that others could read is closed to them when it is opened', async () => {
  await using t = await TestStore.open();

  await t.reopen({}, async () => {
    chmodSync(t.path, 0o755);
    for (const file of ['lyre.mdb', 'lyre.mdb-lock']) chmodSync(join(t.path, file), 0o644);
  });

  expect(modesOf(t.path)).toEqual(['700', '600', '600']);
});

test('a copy of a store can be read by its owner only', async () => {
  await using t = await TestStore.open();
  const file = join(t.directory.path, 'copy.mdb');

  await t.store.backUp(file);

  expect(modeOf(file)).toBe('600');
});
