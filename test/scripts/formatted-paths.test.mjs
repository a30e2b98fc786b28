import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formattedPaths } from '../../scripts/formatted-paths.mjs';
import { temporaryDirectory } from './temporary-directory.mjs';

const hasGit = spawnSync('git', ['--version']).status === 0;

test.runIf(hasGit)("the data directory of a node in a clone is none of the formatter's", async () => {
  const root = await temporaryDirectory();
  for (const name of ['src', 'node']) await mkdir(join(root, name));
  for (const path of ['package.json', 'gone.json', 'src/main.ts']) await writeFile(join(root, path), '');
  execFileSync('git', ['init', '-q'], { cwd: root });
  execFileSync('git', ['add', '.'], { cwd: root });
  await writeFile(join(root, 'node/lyre.yaml'), 'a:   1\n');
  await rm(join(root, 'gone.json'));

  expect(formattedPaths(root)).toEqual(['package.json', 'src']);
});

test('without git everything is formatted', async () => {
  expect(formattedPaths(await temporaryDirectory())).toEqual(['.']);
});
