import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CodedError, messageOf } from '../model/errors.ts';

/** The ports that a node listens on, in `<ROOTPATH>/ports.json` for its command line and for its next start. */
export interface Ports {
  readonly api: number;
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
  const file = join(rootPath, 'ports.json');
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(ports));
  renameSync(`${file}.${process.pid}`, file);
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
      return await probePort(host, wanted);
    } catch (cause) {
      throw new CodedError(
        'start_failed',
        `The cluster port ${wanted} on ${host} cannot be used: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
  if (last !== undefined) {
    const port = await probePort(host, last).catch(() => undefined);
    if (port !== undefined) return port;
  }
  return probePort(host, 0);
}

/** Binds and lets go; resolves to the port. */
async function probePort(host: string, port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : port;
}
