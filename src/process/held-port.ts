import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { whyNotListening } from '../http/listen.ts';
import { CodedError } from '../model/errors.ts';

/**
 * A port that nats-server can listen on: the wanted one; for 0 that of the last run if it is still free,
 * since peers know it, else any.
 *
 * @throws CodedError `start_failed` when the wanted port is taken, or the address is not one of this machine
 */
export async function claimPort(host: string, wanted: number, last: number | undefined): Promise<number> {
  if (wanted !== 0) {
    try {
      await using held = await hold(host, wanted);
      return held.port;
    } catch (cause) {
      if (!isTaken(cause)) throw cannotListen(host, cause);
      throw new CodedError(
        'start_failed',
        `The cluster port ${wanted} on ${host} is taken by another process: CLUSTERING_PORT names another one, 0 takes any that is free`,
        { cause },
      );
    }
  }
  await using held = await holdPort(host, last);
  return held.port;
}

/** A port that nobody else is given before it is disposed of. Whoever connects meanwhile is hung up on. */
export interface HeldPort extends AsyncDisposable {
  readonly port: number;
}

/** No system takes these for outgoing connections, one of which would keep a node from listening again where it did. */
const quietPorts = { from: 20_000, to: 32_768 };
const attempts = 10;

/**
 * Holds the port of the last run if it is still free, since others know it, else any.
 *
 * @throws CodedError `start_failed` when there is none, as on an address that is not one of this machine
 */
export async function holdPort(host: string, last: number | undefined): Promise<HeldPort> {
  const drawn = Array.from({ length: attempts }, () => randomInt(quietPorts.from, quietPorts.to));
  for (const port of last === undefined ? drawn : [last, ...drawn]) {
    const held = await hold(host, port).catch(() => undefined);
    if (held) return held;
  }
  try {
    return await hold(host, 0);
  } catch (cause) {
    throw cannotListen(host, cause);
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function cannotListen(where: string, cause: unknown): CodedError {
  const why = cause instanceof Error ? whyNotListening(cause) : String(cause);
  return new CodedError('start_failed', `Cannot listen on ${where}: ${why}`, { cause });
}

async function hold(host: string, port: number): Promise<HeldPort> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
