// Everything a change must pass, on a machine that has only Node and npm. Arguments go to vitest.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ensureReady, runScript, say } from './ensure.mjs';
import { ensureFaketime } from './faketime.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

await runScript(async () => {
  await ensureReady();
  await ensureFaketime(root, say);
  // Both always run, so that one look at the output shows all that is wrong.
  const checkPassed = await runNode('scripts/check.mjs');
  const testsPassed = await runNode('node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2));
  if (!checkPassed) throw new Error('npm run check failed, see above the tests');
  if (!testsPassed) process.exitCode = 1;
});

/**
 * Runs a script of Node; whoever ends this one ends it too.
 *
 * @param {string[]} args
 */
async function runNode(...args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  const [status, endedBy] = await once(child, 'exit');
  if (endedBy) process.exit(1);
  for (const signal of signals) process.off(signal, forward);
  return status === 0;
}
