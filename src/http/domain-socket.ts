import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Server } from 'node:http';
import { CodedError } from '../model/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { listen } from './listen.ts';

/** What an address of a domain socket can hold on every system (108 bytes on Linux, 104 on macOS). */
export const maxSocketPathBytes = 100;

/**
 * Listens on a socket file that only its owner can open. A file that a killed process left is replaced; a path that is
 * too long for the system is skipped with a warning.
 *
 * @param onError as {@link listen}
 * @throws CodedError `start_failed` when another process listens there
 */
export async function listenOnDomainSocket(
  server: Server,
  path: string,
  { log, onError }: { readonly log: Logger; readonly onError: (error: Error) => void },
): Promise<void> {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    log.warn({ path, maxPathBytes: maxSocketPathBytes }, 'domain socket skipped, its path is too long');
    return;
  }
  await removeStale(path);
  await listenPrivately(server, path, onError);
  // Where the file system does not heed the mask.
  await chmod(path, 0o600);
}

/** Closed to others from the first moment on: who connects before a `chmod` would stay connected. */
function listenPrivately(server: Server, path: string, onError: (error: Error) => void): Promise<void> {
  const former = process.umask(0o177);
  try {
    // The file is made before this returns.
    return listen(server, { path }, onError);
  } finally {
    process.umask(former);
  }
}

async function removeStale(path: string): Promise<void> {
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined) return;
  if (!status.isSocket()) throw new CodedError('start_failed', `${path} exists and is not a socket`);
  if (await isAnswered(path)) {
    throw new CodedError('start_failed', `Another process listens on the domain socket ${path}`);
  }
  await unlink(path).catch(() => undefined);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => finish(true)).once('error', () => finish(false));
  });
}
