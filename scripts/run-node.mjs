import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs Node on this terminal; whoever ends this program ends it too.
 *
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<number | null>} its exit status; null where a signal has ended it
 */
export async function runNode(args, cwd) {
  const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' });
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  const [status] = await once(child, 'close');
  for (const signal of signals) process.off(signal, forward);
  return status;
}
