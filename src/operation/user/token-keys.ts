import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeSecret } from '../../runtime/secret-file.ts';

/** What tokens of this node are signed and checked with. */
export interface TokenKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Reads the key of a node's tokens, making it at the first start. Without the file all tokens end. */
export async function openTokenKeys(directory: string): Promise<TokenKeys> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'tokenKey.pem');
  if (!existsSync(file)) {
    const made = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    writeSecret(file, made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const privateKey = createPrivateKey(readFileSync(file));
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
