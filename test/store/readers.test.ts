import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { TemporaryDirectory } from './test-store.ts';

/** Holds one snapshot after another, each of another commit, until there are so many. */
async function hold(environment: LmdbEnvironment, snapshots: number): Promise<Iterator<unknown>[]> {
  const { meta } = environment.trees;
  const held: Iterator<unknown>[] = [];
  for (let count = 0; count < snapshots; count += 1) {
    await environment.commit(() => meta.putSync(['count', count], Buffer.from(String(count))));
    const iterator = meta.getRange({})[Symbol.iterator]();
    iterator.next();
    held.push(iterator);
  }
  return held;
}

test('a lock file that an earlier version has made for fewer readers takes more', async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, 'data');
  const lockBytes = (): number => statSync(join(path, 'lyre.mdb-lock')).size;
  {
    await using _ = new LmdbEnvironment({ path, mapSizeBytes: 2 ** 24, maxReaders: 126 });
  }
  const bytesBefore = lockBytes();

  await using environment = new LmdbEnvironment({ path, mapSizeBytes: 2 ** 24 });
  const held = await hold(environment, 200);

  expect(bytesBefore).toBeLessThan(16_384);
  expect(lockBytes()).toBeGreaterThan(200_000);
  expect(held).toHaveLength(200);
  for (const iterator of held) iterator.return?.();
});

test('where all snapshots are held a read says so, and reads again once one is free', async () => {
  await using directory = await TemporaryDirectory.make();
  await using environment = new LmdbEnvironment({
    path: join(directory.path, 'data'),
    mapSizeBytes: 2 ** 24,
    maxReaders: 4,
  });
  const { meta } = environment.trees;
  const held = await hold(environment, 3);
  await expect(hold(environment, 3)).rejects.toMatchObject({ code: 'unavailable' });

  expect(() => meta.get(['count', 0])).toThrow('Too many answers are being read at once');
  expect(() => meta.getKeysCount({})).toThrow('Too many answers are being read at once');
  for (const iterator of held) iterator.return?.();

  expect(meta.get(['count', 0])?.toString()).toBe('0');
});
