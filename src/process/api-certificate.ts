import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import type { CertificateFiles } from '../http/certificate.ts';
import type { Logger } from '../runtime/logger.ts';

/** The certificate of the operations API. Where nobody has named or put one, the node signs one itself. */
export async function provideCertificate(config: Config, log: Logger): Promise<CertificateFiles> {
  const { certificate, privateKey, isStandard } = config.operationsApi.tls;
  if (isStandard && !existsSync(certificate) && !existsSync(privateKey)) {
    // Else this process does not need what makes certificates.
    const { makeCertificate } = await import('../stream/make-certificate.ts');
    const made = await makeCertificate(config.nodeName);
    await mkdir(dirname(certificate), { recursive: true });
    // The key first: a certificate that is there has its key.
    await writeFile(privateKey, made.privateKey, { mode: 0o600, flush: true });
    await writeFile(certificate, made.certificate, { flush: true });
    log.warn({ certificate }, 'operations API has a certificate of its own, which clients cannot verify');
  }
  return { certificate, privateKey };
}
