import 'reflect-metadata'; // @peculiar/x509 wants it before it is loaded
import { randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { tlsServerName } from './tls-server-name.ts';

/** Trust comes from pinning, not from dates: an edge without a battery boots in 1970, and must reach its own nats-server. */
const notBefore = new Date(0);
const notAfter = new Date('9999-12-31T23:59:59Z');

/** A certificate and its key, both PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A self-signed certificate. */
export async function makeCertificate(nodeName: string): Promise<CertificatePair> {
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
