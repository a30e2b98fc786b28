import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openSecret, readSecret } from '../../runtime/secret-file.ts';
import { makePrivateDirectory } from '../../runtime/private-files.ts';

export interface TokenKeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** What tokens of this node are signed and checked with. */
export interface TokenKeys {
  /** Undefined while there has been no token: then none that is shown can be one of ours. */
  readonly known: TokenKeyPair | undefined;
  readonly provide: () => Promise<TokenKeyPair>;
}

/**
 * Reads the key of a node's tokens. It is made for the first of them: that takes a small device seconds, and many nodes
 * give none. Without the file all tokens end.
 *
 * @throws DamagedSecretError
 */
export async function openTokenKeys(directory: string): Promise<TokenKeys> {
  makePrivateDirectory(directory);
  const file = join(directory, 'tokenKey.pem');
  return new TokenKeyFile(file, readSecret(file) === undefined ? undefined : await openPair(file));
}

class TokenKeyFile implements TokenKeys {
  readonly #file: string;
  #known: TokenKeyPair | undefined;
  #opening: Promise<TokenKeyPair> | undefined;

  constructor(file: string, known: TokenKeyPair | undefined) {
    this.#file = file;
    this.#known = known;
  }

  get known(): TokenKeyPair | undefined {
    return this.#known;
  }

  /** One pair for all who ask at once. It is on disk before the first token is signed. */
  async provide(): Promise<TokenKeyPair> {
    if (this.#known !== undefined) return this.#known;
    this.#opening ??= openPair(this.#file).finally(() => (this.#opening = undefined));
    return (this.#known ??= await this.#opening);
  }
}

async function openPair(file: string): Promise<TokenKeyPair> {
  const privateKey = await openSecret(file, makeKey, createPrivateKey);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

async function makeKey(): Promise<string> {
  const made = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
