import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { CodedError } from '../model/errors.ts';

/**
 * Resolves when the server listens.
 *
 * @param options with `portSetting`, what names another port where this one is taken
 * @param onError told of each connection that cannot be accepted later, as when no more files may be open
 * @throws CodedError `start_failed` that says why it cannot
 */
export function listen(
  server: Server,
  options: ListenOptions & { readonly portSetting?: string },
  onError: (error: Error) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onFailure = (cause: NodeJS.ErrnoException): void => {
      const where = options.path ?? `${options.host ?? '*'}:${options.port ?? 0}`;
      const isTaken = cause.code === 'EADDRINUSE' && options.portSetting !== undefined;
      const way = isTaken ? `: ${options.portSetting} names another one, 0 takes any that is free` : '';
      const message = `Cannot listen on ${where}: ${whyNotListening(cause)}${way}`;
      reject(new CodedError('start_failed', message, { cause }));
    };
    server.once('error', onFailure);
    server.listen(options, () => {
      server.off('error', onFailure);
      server.on('error', onError);
      resolve();
    });
  });
}

/** Why a server cannot listen, in words of a user. */
export function whyNotListening(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the port is taken by another process';
    case 'EACCES':
      return 'permission denied';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine does not have that address (NETWORK_HOST)';
    default:
      return error.message;
  }
}
