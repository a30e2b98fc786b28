import 'reflect-metadata'; // @peculiar/x509 wants it before it is loaded
import { webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509';
import type { CertificatePair } from '../../src/stream/make-certificate.ts';

/** Puts a certificate where that of the API belongs, among the keys of a node. */
export function putForApi(keys: string, { certificate, privateKey }: CertificatePair): void {
  mkdirSync(keys, { recursive: true });
  writeFileSync(join(keys, 'certificate.pem'), certificate);
  writeFileSync(join(keys, 'privateKey.pem'), privateKey);
}

/** For a name of the operator's, as an authority signs them. */
export async function foreignCertificate(): Promise<CertificatePair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=edge.example', signingAlgorithm: algorithm, keys },
    webcrypto,
  );
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: certificate.toString('pem'),
    privateKey: PemConverter.encode(privateKey, 'PRIVATE KEY'),
  };
}
