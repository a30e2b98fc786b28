import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { dataDirectory } from '../config/data-directory.ts';
import { writeWhole } from '../runtime/whole-file.ts';

const portsSchema = z.object({ api: z.number().optional(), cluster: z.number().optional() });

/** The ports that a node listens on, kept for its command line and for its next start; no `api`: TLS only. */
export type Ports = z.output<typeof portsSchema>;

/** Undefined where no node has listened yet, or where what one has written cannot be read. */
export function readPorts(rootPath: string): Ports | undefined {
  try {
    return portsSchema.parse(JSON.parse(readFileSync(dataDirectory(rootPath).ports, 'utf8')));
  } catch {
    return undefined;
  }
}

export function writePorts(rootPath: string, ports: Ports): void {
  writeWhole(dataDirectory(rootPath).ports, JSON.stringify(ports), 0o644);
}
