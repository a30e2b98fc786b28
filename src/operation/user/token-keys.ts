import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openSecret } from '../../runtime/secret-file.ts';
import { closeToOthers, makePrivateDirectory } from '../../runtime/private-files.ts';

/** What tokens of this node are signed and checked with. */
export interface TokenKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Reads the key of a node's tokens, making it at the first start. Without the file all tokens end. @throws DamagedSecretError */
export async function openTokenKeys(directory: string): Promise<TokenKeys> {
  makePrivateDirectory(directory);
  const file = join(directory, 'tokenKey.pem');
  const privateKey = await openSecret(file, makeKey, createPrivateKey);
  closeToOthers(file);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

async function makeKey(): Promise<string> {
  const made = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
