import { execFileSync } from 'node:child_process';

/**
 * What `npm pack` would put into a package, without building it.
 *
 * @param {string} root of the package
 * @returns {string[]}
 */
export function packedFiles(root) {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // A list, or by the name of the package: versions of npm differ.
  const [{ files }] = Object.values(JSON.parse(output));
  return files.map(({ path }) => path);
}
