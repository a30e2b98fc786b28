import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openSecret, parseSecret, readSecret } from '../runtime/secret-file.ts';
import { writeWhole } from '../runtime/whole-file.ts';
import { makeSeed, publicKeyOf } from './nkey.ts';

/** The secrets of a node, made at first start under `<ROOTPATH>/keys`, readable by its user only. */
export interface NodeKeys {
  /** Seed of the nkey by which this node is known to itself and to its peers. */
  readonly seed: Uint8Array;
  readonly publicKey: string;
  /** Seed of the nkey that may reload the node's own nats-server. */
  readonly systemSeed: Uint8Array;
  readonly systemPublicKey: string;
  /** PEM. */
  readonly certificate: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

/** Reads the keys of a node, making those that are missing. @throws DamagedSecretError */
export async function openNodeKeys(directory: string, nodeName: string): Promise<NodeKeys> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const node = await openSeed(join(directory, 'node.nk'));
  const system = await openSeed(join(directory, 'system.nk'));
  return {
    ...node,
    systemSeed: system.seed,
    systemPublicKey: system.publicKey,
    ...(await openCertificate(directory, nodeName)),
  };
}

/** SHA-256 of the certificate, hex. */
export function fingerprintOf(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256.replaceAll(':', '').toLowerCase();
}

async function openSeed(file: string): Promise<Pick<NodeKeys, 'seed' | 'publicKey'>> {
  return openSecret(file, makeSeed, (content) => {
    const seed = new TextEncoder().encode(content.trim());
    return { seed, publicKey: publicKeyOf(seed) };
  });
}

async function openCertificate(
  directory: string,
  nodeName: string,
): Promise<Pick<NodeKeys, 'certificate' | 'certificateFile' | 'privateKeyFile'>> {
  const certificateFile = join(directory, 'certificate.pem');
  const privateKeyFile = join(directory, 'privateKey.pem');
  let certificate = readSecret(certificateFile);
  let privateKey = readSecret(privateKeyFile);
  if (certificate === undefined || privateKey === undefined) {
    // What it takes to make one is large, and needed once in the life of a node.
    const { makeCertificate } = await import('./make-certificate.ts');
    ({ certificate, privateKey } = await makeCertificate(nodeName));
    // A certificate that is there has its key, whenever this is broken off.
    rmSync(certificateFile, { force: true });
    writeWhole(privateKeyFile, privateKey);
    writeWhole(certificateFile, certificate);
  }
  const parsed = parseSecret(certificateFile, () => new X509Certificate(certificate));
  parseSecret(privateKeyFile, () => {
    if (!parsed.checkPrivateKey(createPrivateKey(privateKey)))
      throw new Error('It is the key of another certificate');
  });
  return { certificate, certificateFile, privateKeyFile };
}
