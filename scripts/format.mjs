// Formats the project, or with `--check` only tells what is not formatted.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { formattedPaths } from './formatted-paths.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const [how = '--write'] = process.argv.slice(2);
const options = [how, '--log-level', 'warn', '--ignore-unknown'];
const { status } = spawnSync(
  process.execPath,
  ['node_modules/prettier/bin/prettier.cjs', ...options, '--', ...formattedPaths(root)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
