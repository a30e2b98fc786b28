import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSecret } from '../runtime/secret-file.ts';
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

/** Reads the keys of a node, making those that are missing. */
export async function openNodeKeys(directory: string, nodeName: string): Promise<NodeKeys> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const certificateFile = join(directory, 'certificate.pem');
  const privateKeyFile = join(directory, 'privateKey.pem');
  if (!existsSync(certificateFile) || !existsSync(privateKeyFile)) {
    // What it takes to make one is large, and needed once in the life of a node.
    const { makeCertificate } = await import('./make-certificate.ts');
    const made = await makeCertificate(nodeName);
    writeSecret(privateKeyFile, made.privateKey);
    writeSecret(certificateFile, made.certificate);
  }
  const seed = openSeed(join(directory, 'node.nk'));
  const systemSeed = openSeed(join(directory, 'system.nk'));
  return {
    seed,
    publicKey: publicKeyOf(seed),
    systemSeed,
    systemPublicKey: publicKeyOf(systemSeed),
    certificate: readFileSync(certificateFile, 'utf8'),
    certificateFile,
    privateKeyFile,
  };
}

/** SHA-256 of the certificate, hex. */
export function fingerprintOf(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256.replaceAll(':', '').toLowerCase();
}

function openSeed(file: string): Uint8Array {
  if (!existsSync(file)) writeSecret(file, makeSeed());
  return new TextEncoder().encode(readFileSync(file, 'utf8').trim());
}
