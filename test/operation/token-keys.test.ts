import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTokenKeys } from '../../src/operation/user/token-keys.ts';

test('the key of the tokens is made once, and only its owner can read it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'lyre-keys-'));
  const keys = join(directory, 'keys');

  const made = await openTokenKeys(keys);
  const again = await openTokenKeys(keys);

  expect(again.publicKey.equals(made.publicKey)).toBe(true);
  expect(made.privateKey.asymmetricKeyType).toBe('rsa');
  expect(await readdir(keys)).toEqual(['tokenKey.pem']);
  expect((await stat(keys)).mode & 0o777).toBe(0o700);
  expect((await stat(join(keys, 'tokenKey.pem'))).mode & 0o777).toBe(0o600);
  await rm(directory, { recursive: true });
});
