import { execFileSync } from 'node:child_process';

/**
 * The commit of a clone, with `-dirty` where files differ from it; undefined where git does not know.
 *
 * @param {string} directory
 */
export function commitOf(directory) {
  try {
    // No tag is near enough: the hash itself.
    const args = ['describe', '--always', '--dirty', '--exclude', '*'];
    return execFileSync('git', args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}
