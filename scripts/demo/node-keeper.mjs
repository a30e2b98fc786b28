// A process of its own that starts the nodes of the demo and ends them with it, even when the demo is killed: the
// channel to the demo closes then. It leads its own process group, which a Ctrl-C in the terminal does not reach.

import { spawn } from 'node:child_process';
import { openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const lyre = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const stopLimitMs = 12_000;

/** @type {Map<string, { child: import('node:child_process').ChildProcess, gone: Promise<void> }>} */
const nodes = new Map();
const [directory] = process.argv.slice(2);
let isKept = false;
let isEnding = false;

process.on('message', (/** @type {any} */ message) => {
  if (message.kind === 'start') start(message);
  if (message.kind === 'keep') {
    isKept = true;
    process.send?.({ kind: 'kept' });
  }
});
process.on('disconnect', () => void end());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
// The demo was gone before anybody listened.
if (!process.connected) void end();

/** @param {{ name: string, rootPath: string, env: Record<string, string> }} node */
function start({ name, rootPath, env }) {
  if (isEnding) return;
  const output = openSync(join(directory, `${name}.out`), 'a');
  const child = spawn(process.execPath, [lyre, 'start'], {
    cwd: directory,
    env: { ...env, ROOTPATH: rootPath },
    // Files, not pipes: a node that is kept must not lose its output when this process ends.
    stdio: ['ignore', output, output],
    detached: true,
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.once('exit', (code) => {
    nodes.delete(name);
    if (process.connected) process.send?.({ kind: 'ended', name, code });
  });
  nodes.set(name, { child, gone });
}

async function end() {
  if (isKept) process.exit(0);
  if (isEnding) return;
  isEnding = true;
  const running = [...nodes.values()];
  for (const { child } of running) child.kill('SIGTERM');
  setTimeout(() => {
    for (const { child } of running) child.kill('SIGKILL');
  }, stopLimitMs).unref();
  await Promise.all(running.map(({ gone }) => gone));
  rmSync(directory, { recursive: true, force: true });
  process.exit(0);
}
