import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isAlive } from '../runtime/is-alive.ts';

/** Ends a nats-server that an earlier run of this node left behind, and waits until it is gone. */
export async function endLeftoverNatsServer(directory: string): Promise<void> {
  const pid = readPid(join(directory, 'nats.pid'));
  if (pid === undefined || !isOurs(pid, join(directory, 'node.conf'))) return;
  process.kill(pid, 'SIGKILL');
  while (isOurs(pid, join(directory, 'node.conf'))) await wait(10);
}

function readPid(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
}

/** By its command line: the number alone may belong to anybody since. */
function isOurs(pid: number, configFile: string): boolean {
  return isAlive(pid) && commandOf(pid).includes(configFile);
}

/** Linux tells it by itself: slim images of containers have no `ps`. */
function commandOf(pid: number): string {
  if (process.platform === 'linux') return commandLine(pid);
  return spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout ?? '';
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
