// Around a whole run: all temporary files of its tests are in one directory, and whatever of nodes and files a test has
// left that did not come to its end is gone after it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processesOfDirectory } from './cluster/support/node-processes.ts';

let directory: string | undefined;

export function setup(): void {
  directory = mkdtempSync(join(tmpdir(), 'lyre-run-'));
  process.env['TMPDIR'] = directory;
}

export function teardown(): void {
  if (directory === undefined) return;
  for (const pid of processesOfDirectory(directory)) if (pid !== process.pid) process.kill(pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
