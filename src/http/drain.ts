import type { IncomingMessage } from 'node:http';

/** How long the rest of a body is thrown away. */
const drainTimeoutMs = 5_000;

/**
 * Throws away what is left of a body, for a limited time. A client that is still sending when the connection is
 * closed may never get to read why it was refused.
 */
export function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, drainTimeoutMs);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on('end', finish).on('error', finish).on('close', finish).resume();
  });
}
