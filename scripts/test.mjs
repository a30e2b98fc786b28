// Everything a change must pass, on a machine that has only Node and npm. Arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureReady, runScript, say } from './ensure.mjs';
import { ensureFaketime } from './faketime.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

await runScript(async () => {
  await ensureReady();
  await ensureFaketime(root, say);
  // Both always run, so that one look at the output shows all that is wrong.
  const checkPassed = runNode('scripts/check.mjs');
  const testsPassed = runNode('node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2));
  if (!checkPassed) throw new Error('npm run check failed, see above the tests');
  if (!testsPassed) process.exitCode = 1;
});

/** @param {string[]} args */
function runNode(...args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;
}
