import { createPrivateKey, X509Certificate } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openSecret, parseSecret, readSecret } from '../runtime/secret-file.ts';
import { writeWhole } from '../runtime/whole-file.ts';
import type { CertificatePair } from './make-certificate.ts';
import { makeSeed, publicKeyOf } from './nkey.ts';
import { tlsServerName } from './tls-server-name.ts';
import { closeToOthers, makePrivateDirectory } from '../runtime/private-files.ts';

/** The secrets of a node, made at first start under `<ROOTPATH>/keys`, readable by its user only. */
export interface NodeKeys {
  /** Seed of the nkey by which this node is known to itself and to its peers. */
  readonly seed: Uint8Array;
  readonly publicKey: string;
  /** Seed of the nkey that may reload the node's own nats-server. */
  readonly systemSeed: Uint8Array;
  readonly systemPublicKey: string;
  /** PEM, of the node's nats-server and of nothing else: peers pin it. */
  readonly certificate: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

/** Reads the keys of a node, making those that are missing. @throws DamagedSecretError */
export async function openNodeKeys(directory: string, nodeName: string): Promise<NodeKeys> {
  makePrivateDirectory(directory);
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
  const certificateFile = join(directory, 'cluster.pem');
  const privateKeyFile = join(directory, 'clusterKey.pem');
  let pair = readPair(certificateFile, privateKeyFile);
  if (pair === undefined) {
    pair = formerPair(directory) ?? (await makePair(nodeName));
    // A certificate that is there has its key, whenever this is broken off.
    rmSync(certificateFile, { force: true });
    writeWhole(privateKeyFile, pair.privateKey);
    writeWhole(certificateFile, pair.certificate);
  }
  const { certificate, privateKey } = pair;
  const parsed = parseSecret(certificateFile, () => new X509Certificate(certificate));
  parseSecret(privateKeyFile, () => {
    if (!isPair(parsed, privateKey)) throw new Error('It is the key of another certificate');
  });
  closeToOthers(privateKeyFile);
  return { certificate, certificateFile, privateKeyFile };
}

function readPair(certificateFile: string, privateKeyFile: string): CertificatePair | undefined {
  const certificate = readSecret(certificateFile);
  const privateKey = readSecret(privateKeyFile);
  return certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey };
}

/**
 * The pair of a node of an older release, which keeps it where that of the API belongs. Peers have pinned it. What
 * somebody else has made and put there is the API's alone.
 */
function formerPair(directory: string): CertificatePair | undefined {
  const pair = readPair(join(directory, 'certificate.pem'), join(directory, 'privateKey.pem'));
  if (pair === undefined) return undefined;
  try {
    const certificate = new X509Certificate(pair.certificate);
    return certificate.checkHost(tlsServerName) && isPair(certificate, pair.privateKey) ? pair : undefined;
  } catch {
    return undefined;
  }
}

async function makePair(nodeName: string): Promise<CertificatePair> {
  // What it takes to make one is large, and needed once in the life of a node.
  const { makeCertificate } = await import('./make-certificate.ts');
  return makeCertificate(nodeName);
}

function isPair(certificate: X509Certificate, privateKey: string): boolean {
  return certificate.checkPrivateKey(createPrivateKey(privateKey));
}
