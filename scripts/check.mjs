// What can be checked without running the product, all at once: types, lint, format, layers.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @type {Record<string, [string, ...string[]]>} */
const CHECKS = {
  types: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'],
  'types of scripts': ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.scripts.json'],
  lint: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
  format: ['scripts/format.mjs', '--check'],
  layers: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/layers.test.ts'],
};

const results = await Promise.all(Object.entries(CHECKS).map(([name, command]) => check(name, command)));
for (const { name, passed, seconds, output } of results) {
  console.log(`check: ${name} ${passed ? 'ok' : 'FAILED'} (${seconds.toFixed(1)} s)`);
  if (!passed) console.log(output.trimEnd());
}
const failed = results.filter(({ passed }) => !passed).map(({ name }) => name);
if (failed.length > 0) {
  console.error(`check: failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

/**
 * @param {string} name
 * @param {[string, ...string[]]} command
 * @returns {Promise<{ name: string, passed: boolean, seconds: number, output: string }>}
 */
function check(name, [script, ...args]) {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [script, ...args], { cwd: root });
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      resolve({ name, passed: status === 0, seconds: (performance.now() - startedAtMs) / 1000, output });
    });
  });
}
