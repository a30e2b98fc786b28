import { readProcessFile } from './process-file.ts';

/** Whether a process runs, whoever owns it. A zombie, which nobody has waited for yet, is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It is there and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !/\) Z /.test(readProcessFile(pid, 'stat') ?? '');
}
