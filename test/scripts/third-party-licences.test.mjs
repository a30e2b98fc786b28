import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { thirdPartyLicences } from '../../scripts/third-party-licences.mjs';
import { temporaryDirectory } from './temporary-directory.mjs';

/**
 * @param {string} root
 * @param {string} place
 * @param {Record<string, string>} files
 */
async function install(root, place, files) {
  await mkdir(join(root, place), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, place, name), text);
}

test('each package of a bundle is there once, with its version and all that its licence asks to pass on', async () => {
  const root = await temporaryDirectory();
  await install(root, 'node_modules/a', {
    'package.json': '{"name":"a","version":"1.0.0","license":"Apache-2.0"}',
    LICENSE: 'Text of Apache\n',
    'NOTICE.txt': 'Made by A\n',
  });
  await install(root, 'node_modules/@b/c/node_modules/d', {
    'package.json': '{"name":"d","version":"2.0.0","license":"MIT"}',
    'license.md': 'Text of MIT\n',
  });
  await install(root, 'node_modules/e', {
    'package.json': '{"name":"e","version":"3.0.0","license":"ISC"}',
  });

  const text = thirdPartyLicences(root, [
    'src/main.ts',
    'node_modules/a/index.js',
    'node_modules/a/lib/other.js',
    'node_modules/@b/c/node_modules/d/index.js',
    'node_modules/e/index.js',
  ]);

  const rule = '-'.repeat(80);
  expect(text).toBe(
    `d 2.0.0 (MIT)\n\nText of MIT\n\n${rule}\n\na 1.0.0 (Apache-2.0)\n\nText of Apache\n\nMade by A\n\n${rule}\n\ne 3.0.0 (ISC)\n\nISC\n`,
  );
});

test('a package without a licence is not bundled', async () => {
  const root = await temporaryDirectory();
  await install(root, 'node_modules/a', { 'package.json': '{"name":"a","version":"1.0.0"}' });

  expect(() => thirdPartyLicences(root, ['node_modules/a/index.js'])).toThrow('a 1.0.0 is bundled');
});
