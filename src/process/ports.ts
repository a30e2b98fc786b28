import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CodedError, messageOf } from '../model/errors.ts';
import { writeWhole } from '../runtime/whole-file.ts';

/** The ports that a node listens on, in `<ROOTPATH>/ports.json` for its command line and for its next start. */
export interface Ports {
  /** Undefined: TLS only. */
  readonly api?: number | undefined;
  readonly cluster?: number;
}

export function readPorts(rootPath: string): Partial<Ports> {
  const file = join(rootPath, 'ports.json');
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Ports>;
  } catch {
    // Half written by a node that was killed: it only costs the memory of a port.
    return {};
  }
}

export function writePorts(rootPath: string, ports: Ports): void {
  writeWhole(join(rootPath, 'ports.json'), JSON.stringify(ports), 0o644);
}

/**
 * A port that nats-server can listen on: the wanted one; for 0 that of the last run if it is still free,
 * since peers know it, else any.
 *
 * @throws CodedError `start_failed` when the wanted port is taken
 */
export async function claimPort(host: string, wanted: number, last: number | undefined): Promise<number> {
  if (wanted !== 0) {
    try {
      await using held = await hold(host, wanted);
      return held.port;
    } catch (cause) {
      throw new CodedError(
        'start_failed',
        `The cluster port ${wanted} on ${host} cannot be used: ${messageOf(cause)}`,
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

/** Holds the port of the last run if it is still free, since others know it, else any. */
export async function holdPort(host: string, last: number | undefined): Promise<HeldPort> {
  const known = last === undefined ? undefined : await hold(host, last).catch(() => undefined);
  return known ?? hold(host, 0);
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
