import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeLeftScratch, withScratch } from '../../scripts/distribution/scratch.mjs';
import { temporaryDirectory } from './temporary-directory.mjs';

test('a scratch directory is gone with all in it, also after a failure', async () => {
  const parent = join(await temporaryDirectory(), '.nats');

  await withScratch(parent, (directory) => writeFile(join(directory, 'half'), ''));
  const failed = withScratch(parent, async (directory) => {
    await writeFile(join(directory, 'half'), '');
    throw new Error('interrupted');
  });

  await expect(failed).rejects.toThrow('interrupted');
  expect(await readdir(parent)).toEqual([]);
});

test('what a run that was interrupted has left is removed after an hour, and nothing else', async () => {
  const parent = await temporaryDirectory();
  const old = new Date(Date.now() - 2 * 3_600_000);
  for (const name of ['fetch-old', 'fetch-new', 'other']) {
    await mkdir(join(parent, name));
    await writeFile(join(parent, name, 'file'), '');
    if (name !== 'fetch-new') await utimes(join(parent, name), old, old);
  }

  await removeLeftScratch(parent);

  expect((await readdir(parent)).toSorted()).toEqual(['fetch-new', 'other']);
  await expect(removeLeftScratch(join(parent, 'missing'))).resolves.toBeUndefined();
});
