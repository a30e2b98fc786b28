import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const running = new Set();
let isEnding = false;

/**
 * Starts a program that {@link endAll} ends. It gets a process group of its own, so that Ctrl-C reaches only the
 * benchmark, which then ends the programs in its own order.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, unknown>} options of `spawn`, and `endSignal`
 */
export function spawnOwned(command, args, { endSignal = 'SIGTERM', ...options } = {}) {
  if (isEnding) throw new Error('The benchmark is ending');
  const child = spawn(command, args, { ...options, detached: true });
  const owned = { child, endSignal };
  running.add(owned);
  child.once('exit', () => running.delete(owned));
  child.once('error', () => running.delete(owned));
  return child;
}

/** Ends everything that still runs, and lets nothing start any more; what does not stop in time is killed with all of its group. */
export async function endAll() {
  isEnding = true;
  await Promise.all([...running].map(({ child, endSignal }) => end(child, endSignal)));
}

/**
 * @param {ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
export async function end(child, signal) {
  const { pid } = child;
  if (!pid || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => killGroup(pid), 12_000);
  child.kill(signal);
  await exited;
  clearTimeout(timer);
}

/** @param {number} pid */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone in between.
  }
}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<{ status: number | null, output: string }>}
 */
export async function run(command, args, options = {}) {
  const child = spawnOwned(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  const [status] = await once(child, 'close');
  return { status, output };
}
