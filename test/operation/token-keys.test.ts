import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTokenKeys } from '../../src/operation/user/token-keys.ts';
import { TemporaryDirectory } from '../store/test-store.ts';

test('the key of the tokens is made once, and only its owner can read it', async () => {
  await using directory = await TemporaryDirectory.make();
  const keys = join(directory.path, 'keys');

  const made = await openTokenKeys(keys);
  const again = await openTokenKeys(keys);

  expect(again.publicKey.equals(made.publicKey)).toBe(true);
  expect(made.privateKey.asymmetricKeyType).toBe('rsa');
  expect(await readdir(keys)).toEqual(['tokenKey.pem']);
  expect((await stat(keys)).mode & 0o777).toBe(0o700);
  expect((await stat(join(keys, 'tokenKey.pem'))).mode & 0o777).toBe(0o600);
});

test('an empty key, left by a power cut, is made anew; a damaged one is kept, and named with what to do', async () => {
  await using temporary = await TemporaryDirectory.make();
  const directory = temporary.path;
  const file = join(directory, 'tokenKey.pem');
  await writeFile(file, '');

  await openTokenKeys(directory);

  const damaged = (await readFile(file, 'utf8')).slice(0, -100);
  await writeFile(file, damaged);
  await expect(openTokenKeys(directory)).rejects.toThrow(
    `The key file ${file} is damaged: put back a copy of it, or remove it, and a new one is made`,
  );
  expect(await readFile(file, 'utf8')).toBe(damaged);
});
