import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTokenKeys } from '../../src/operation/user/token-keys.ts';
import { TemporaryDirectory } from '../store/test-store.ts';

test('the key of the tokens is made once, and only its owner can read it', async () => {
  await using directory = await TemporaryDirectory.make();
  const keys = join(directory.path, 'keys');

  const made = await (await openTokenKeys(keys)).provide();
  const again = await openTokenKeys(keys);

  expect(again.known?.publicKey.equals(made.publicKey)).toBe(true);
  expect((await again.provide()).publicKey.equals(made.publicKey)).toBe(true);
  expect(made.privateKey.asymmetricKeyType).toBe('rsa');
  expect(await readdir(keys)).toEqual(['tokenKey.pem']);
  expect((await stat(keys)).mode & 0o777).toBe(0o700);
  expect((await stat(join(keys, 'tokenKey.pem'))).mode & 0o777).toBe(0o600);
});

test('the key is made for the first token, once for two that are asked for at the same time', async () => {
  await using directory = await TemporaryDirectory.make();

  const keys = await openTokenKeys(directory.path);

  expect(keys.known).toBeUndefined();
  expect(await readdir(directory.path)).toEqual([]);
  const [one, other] = await Promise.all([keys.provide(), keys.provide()]);
  expect(one.publicKey.equals(other.publicKey)).toBe(true);
  expect(keys.known?.publicKey.equals(one.publicKey)).toBe(true);
});

test('a key that could not be written signs nothing, and is made when it can be', async () => {
  await using directory = await TemporaryDirectory.make();
  const keys = await openTokenKeys(join(directory.path, 'keys'));
  await rmdir(join(directory.path, 'keys'));

  await expect(keys.provide()).rejects.toThrow('ENOENT');

  expect(keys.known).toBeUndefined();
  await mkdir(join(directory.path, 'keys'));
  const made = await keys.provide();
  expect((await openTokenKeys(join(directory.path, 'keys'))).known?.publicKey.equals(made.publicKey)).toBe(
    true,
  );
});

test('an empty key, left by a power cut, is made anew; a damaged one is kept, and named with what to do', async () => {
  await using temporary = await TemporaryDirectory.make();
  const directory = temporary.path;
  const file = join(directory, 'tokenKey.pem');
  await writeFile(file, '');

  await (await openTokenKeys(directory)).provide();

  const damaged = (await readFile(file, 'utf8')).slice(0, -100);
  await writeFile(file, damaged);
  await expect(openTokenKeys(directory)).rejects.toThrow(
    `The key file ${file} is damaged: put back a copy of it, or remove it, and a new one is made`,
  );
  expect(await readFile(file, 'utf8')).toBe(damaged);
});

test('a key that is known is not read again: what becomes of its file meanwhile counts at the next start', async () => {
  await using temporary = await TemporaryDirectory.make();
  const keys = await openTokenKeys(temporary.path);
  const made = await keys.provide();
  await writeFile(join(temporary.path, 'tokenKey.pem'), 'damaged');

  expect(await keys.provide()).toBe(made);

  // An attempt to read it would fail where nobody hears of it, and end the process.
  await new Promise((resolve) => setTimeout(resolve, 50));
});
