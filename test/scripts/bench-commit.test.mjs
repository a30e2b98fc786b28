import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commitOf } from '../../scripts/benchmark/commit.mjs';
import { temporaryDirectory } from './temporary-directory.mjs';

const hasGit = spawnSync('git', ['--version']).status === 0;

test.runIf(hasGit)('a commit says whether files differ from it', async () => {
  const directory = await temporaryDirectory();
  const git = (...args) =>
    execFileSync(
      'git',
      ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false', ...args],
      {
        cwd: directory,
        encoding: 'utf8',
      },
    );
  git('init', '-q');
  await writeFile(join(directory, 'file'), 'one\n');
  git('add', '.');
  git('commit', '-qm', 'One');
  git('tag', 'v1.0.0');
  const hash = git('rev-parse', '--short', 'HEAD').trim();

  expect(commitOf(directory)).toBe(hash);

  await appendFile(join(directory, 'file'), 'two\n');
  expect(commitOf(directory)).toBe(`${hash}-dirty`);
});

test('outside of a clone there is none', async () => {
  expect(commitOf(await temporaryDirectory())).toBeUndefined();
});
