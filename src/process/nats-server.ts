import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Starts nats-server so that it does not outlive this process: on Linux the kernel ends it with us
 * (`setpriv --pdeathsig`); elsewhere, and if that failed, the next start ends what it finds.
 */
export function spawnNatsServer(binary: string, configFile: string, logFile: string): ChildProcess {
  const command = [binary, '-c', configFile, '-l', logFile];
  const wrapped = hasParentDeathSignal() ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
  const [program = binary, ...args] = wrapped;
  return spawn(program, args, { stdio: 'ignore' });
}

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
  const { stdout } = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
  return (stdout ?? '').includes(configFile);
}

function hasParentDeathSignal(): boolean {
  return process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0;
}
