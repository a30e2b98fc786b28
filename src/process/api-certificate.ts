import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { CertificateFiles } from '../http/certificate.ts';
import type { Logger } from '../runtime/logger.ts';
import { makeDirectory } from '../runtime/make-directory.ts';
import { readSecret } from '../runtime/secret-file.ts';
import { writeWhole } from '../runtime/whole-file.ts';

/** The certificate of the operations API. Where nobody has named or put one, the node signs one itself. */
export async function provideCertificate(config: Config, log: Logger): Promise<CertificateFiles> {
  const { certificate, privateKey, isStandard } = config.operationsApi.tls;
  if (isStandard && readSecret(certificate) === undefined && readSecret(privateKey) === undefined) {
    // Else this process does not need what makes certificates.
    const { makeCertificate } = await import('../stream/make-certificate.ts');
    const made = await makeCertificate(config.nodeName);
    makeDirectory(dirname(certificate));
    // The key first: a certificate that is there has its key.
    writeWhole(privateKey, made.privateKey);
    writeWhole(certificate, made.certificate, 0o644);
    log.warn({ certificate }, 'operations API has a certificate of its own, which clients cannot verify');
  }
  return { certificate, privateKey };
}
