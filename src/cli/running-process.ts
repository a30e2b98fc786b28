import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The number of the process that runs the node of the root path; undefined when none does. */
export function findRunningProcess(rootPath: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(join(rootPath, 'lyre.pid'), 'utf8');
  } catch {
    return undefined;
  }
  const pid = Number.parseInt(text, 10);
  return pid > 0 && isAlive(pid) && looksLikeOurs(pid) ? pid : undefined;
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

/** After a crash the number may have gone to a stranger, who must not be signalled. */
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
