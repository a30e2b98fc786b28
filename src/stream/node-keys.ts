import 'reflect-metadata'; // @peculiar/x509 wants it before it is loaded
import { randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser, fromSeed } from '@nats-io/nkeys';
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** Every node's certificate carries this name; who it is follows from the pinned certificate, not from the name. */
export const tlsServerName = 'node.lyredb';

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
    const made = await makeCertificate(nodeName);
    writeSecret(privateKeyFile, made.privateKey);
    writeSecret(certificateFile, made.certificate);
  }
  const seed = openSeed(join(directory, 'node.nk'));
  const systemSeed = openSeed(join(directory, 'system.nk'));
  return {
    seed,
    publicKey: fromSeed(seed).getPublicKey(),
    systemSeed,
    systemPublicKey: fromSeed(systemSeed).getPublicKey(),
    certificate: readFileSync(certificateFile, 'utf8'),
    certificateFile,
    privateKeyFile,
  };
}

/** SHA-256 of the certificate, hex. */
export async function fingerprintOf(certificatePem: string): Promise<string> {
  return Buffer.from(await new X509Certificate(certificatePem).getThumbprint('SHA-256', webcrypto)).toString(
    'hex',
  );
}

function openSeed(file: string): Uint8Array {
  if (!existsSync(file)) writeSecret(file, Buffer.from(createUser().getSeed()).toString());
  return new TextEncoder().encode(readFileSync(file, 'utf8').trim());
}

/** Whole or not at all: a crash in the middle of the first start must not leave half a key. */
function writeSecret(file: string, content: string): void {
  const half = `${file}.${process.pid}`;
  writeFileSync(half, content, { mode: 0o600 });
  renameSync(half, file);
}

/** Fixed, not from a clock that may be wrong at the first start. Trust comes from pinning, not from dates. */
const notBefore = new Date('2020-01-01T00:00:00Z');
const notAfter = new Date('9999-12-31T23:59:59Z');

async function makeCertificate(
  nodeName: string,
): Promise<{ readonly certificate: string; readonly privateKey: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: randomBytes(12).toString('hex'),
      name: [{ CN: [nodeName.slice(0, 64)] }],
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new SubjectAlternativeNameExtension([{ type: 'dns', value: tlsServerName }]),
      ],
    },
    webcrypto,
  );
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: certificate.toString('pem'),
    privateKey: PemConverter.encode(privateKey, 'PRIVATE KEY'),
  };
}
