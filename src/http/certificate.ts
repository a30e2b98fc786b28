import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Server } from 'node:https';
import { CodedError, messageOf } from '../model/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { RunLoop } from '../runtime/run-loop.ts';

/** Where the certificate of a server and its private key are, both PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A certificate and its private key, as a server takes them. */
export interface ServedCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const lookMs = 1_000;

/** @throws CodedError `start_failed` when a file is missing or the key belongs to another certificate */
export async function readCertificate(files: CertificateFiles): Promise<ServedCertificate> {
  try {
    const served = { cert: await readFile(files.certificate), key: await readFile(files.privateKey) };
    // Refuses a key of another certificate, which a server would notice at the first handshake only.
    createSecureContext(served);
    return served;
  } catch (cause) {
    throw new CodedError(
      'start_failed',
      `The certificate ${files.certificate} with the key ${files.privateKey} cannot be used: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Gives a server its certificate anew when the files change. Connections that are open keep theirs. Files that do
 * not fit together, one being replaced before the other, are looked at again until they do; the former pair serves.
 */
export function followCertificate(server: Server, files: CertificateFiles, log: Logger): AsyncDisposable {
  let served: string | undefined;
  const loop = new RunLoop({
    name: 'certificate',
    idleMs: lookMs,
    log,
    body: async () => {
      const seen = `${await traceOf(files.certificate)} ${await traceOf(files.privateKey)}`;
      if (seen === served) return false;
      server.setSecureContext(await readCertificate(files));
      if (served !== undefined) log.info({ certificate: files.certificate }, 'certificate reloaded');
      served = seen;
      return false;
    },
  });
  loop.start();
  return loop;
}

async function traceOf(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path);
  return `${ino}/${size}/${mtimeMs}`;
}
