import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeDirectory } from '../../src/runtime/make-directory.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'lyre-directory-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const modeOf = (...names: string[]): number => statSync(join(root, ...names)).mode & 0o777;

test('what is missing above it is made as usual, and what is there stays as it is', () => {
  const usual = 0o777 & ~process.umask();

  makeDirectory(join(root, 'a', 'b', 'c'), 0o700);
  makeDirectory(join(root, 'a', 'b'), 0o700);

  expect([modeOf('a'), modeOf('a', 'b'), modeOf('a', 'b', 'c')]).toEqual([usual, usual, 0o700]);
});

test('a link to a directory is one, and a file in its place is told', () => {
  mkdirSync(join(root, 'real'));
  symlinkSync('real', join(root, 'link'));
  writeFileSync(join(root, 'file'), '');

  makeDirectory(join(root, 'link'));

  expect(() => makeDirectory(join(root, 'file'))).toThrow('EEXIST');
  expect(() => makeDirectory(join(root, 'file', 'below'))).toThrow('ENOTDIR');
});

test.skipIf(process.platform !== 'linux')(
  'where none can be made that is told, and not tried for ever',
  () => {
    const program = `import('${new URL('../../src/runtime/make-directory.ts', import.meta.url).href}')
    .then(({ makeDirectory }) => makeDirectory('/proc/lyre/below'))
    .catch(({ code }) => console.log(code));`;

    const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '-e', program], {
      timeout: 15_000,
      encoding: 'utf8',
    });

    expect(stdout).toBe('ENOENT\n');
  },
);
