import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { packedFiles } from './packed-files.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the package has the set-up of a nats-server with all that it imports, and no other scripts', () => {
  const scripts = packedFiles(root).filter((path) => path.startsWith('scripts/'));
  const imported = scripts.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, specifier]) =>
      normalize(join(dirname(path), specifier)),
    ),
  );

  expect(scripts).toContain('scripts/setup.mjs');
  expect(scripts).toEqual(expect.arrayContaining(imported));
  const needed = /^scripts\/(setup|ensure|distribution\/[\w-]+|nats-server\/[\w-]+)\.mjs$/;
  expect(scripts.filter((path) => !needed.test(path))).toEqual([]);
});
