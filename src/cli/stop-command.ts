import { setTimeout as wait } from 'node:timers/promises';
import { loadClientConfig } from '../config/client-config.ts';
import { isAlive } from '../runtime/is-alive.ts';
import type { ConfigFlags } from './config-flags.ts';
import { findRunningProcess } from './running-process.ts';

const stopLimitMs = 15_000;
const pollMs = 50;

/**
 * Sends SIGTERM to the node of the root path and waits until its process is gone.
 *
 * @throws when no node runs there, it may not be signalled, or it is still there after 15 s
 */
export async function runStop(flags: ConfigFlags['flags']): Promise<void> {
  const { rootPath } = loadClientConfig({ flags });
  const pid = findRunningProcess(rootPath);
  if (pid === undefined) throw new Error(`No node is running in ${rootPath}`);
  try {
    process.kill(pid, 'SIGTERM');
  } catch (cause) {
    throw new Error(`The node in ${rootPath} (process ${pid}) belongs to another user`, { cause });
  }
  const deadlineMs = performance.now() + stopLimitMs;
  while (isAlive(pid)) {
    if (performance.now() > deadlineMs) {
      throw new Error(
        `The node in ${rootPath} (process ${pid}) did not stop within ${stopLimitMs / 1_000} s`,
      );
    }
    await wait(pollMs);
  }
  process.stdout.write(`Stopped the node in ${rootPath}\n`);
}
