import { readFileSync } from 'node:fs';
import { dataDirectory } from '../config/data-directory.ts';
import { isLocked } from '../runtime/file-lock.ts';
import { isAlive } from '../runtime/is-alive.ts';
import { readProcessFile } from '../runtime/process-file.ts';

/** The number of the process that runs the node of the root path; undefined when none does. */
export function findRunningProcess(rootPath: string): number | undefined {
  const path = dataDirectory(rootPath).pid;
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    // After a crash the number may be a stranger's: only a node that lives holds the lock.
    return pid > 0 && isAlive(pid) && isLocked(path) && looksLikeOurs(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The number of a node in a container is a stranger's outside. */
function looksLikeOurs(pid: number): boolean {
  return /node|lyre/i.test(readProcessFile(pid, 'cmdline') ?? 'node');
}
