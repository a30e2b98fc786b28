import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLocked } from '../runtime/file-lock.ts';

/** The number of the process that runs the node of the root path; undefined when none does. */
export function findRunningProcess(rootPath: string): number | undefined {
  const path = join(rootPath, 'lyre.pid');
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    // After a crash the number may be a stranger's: only a node that lives holds the lock.
    return pid > 0 && isAlive(pid) && isLocked(path) && looksLikeOurs(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A zombie, which nobody has waited for yet, is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It is there and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !/\) Z /.test(readProc(pid, 'stat') ?? '');
}

/** The number of a node in a container is a stranger's outside. */
function looksLikeOurs(pid: number): boolean {
  return /node|lyre/i.test(readProc(pid, 'cmdline') ?? 'node');
}

/** Undefined where there is no /proc. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
