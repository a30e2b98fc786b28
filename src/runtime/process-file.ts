import { readFileSync } from 'node:fs';

/** What the system says of a process in a file of `/proc`; undefined where there is none. */
export function readProcessFile(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
