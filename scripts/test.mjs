// Everything a change must pass, on a machine that has only Node and npm. Arguments go to vitest.
import { fileURLToPath } from 'node:url';
import { ensureReady, runScript, say } from './ensure.mjs';
import { ensureFaketime } from './faketime.mjs';
import { runNode } from './run-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

await runScript(async () => {
  await ensureReady();
  await ensureFaketime(root, say);
  // Both always run, so that one look at the output shows all that is wrong.
  const checkPassed = await hasPassed('scripts/check.mjs');
  const testsPassed = await hasPassed('node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2));
  if (!checkPassed) throw new Error('npm run check failed, see above the tests');
  if (!testsPassed) process.exitCode = 1;
});

/** @param {string[]} args */
async function hasPassed(...args) {
  const status = await runNode(args, root);
  if (status === null) process.exit(1);
  return status === 0;
}
