import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What of a clone is formatted: the files and directories at its top that git knows, with what is new in these.
 *
 * Not all that is there: the data directory of a node may be (`--ROOTPATH ./node`), with files that are not ours to
 * judge or to change.
 *
 * @param {string} root
 * @returns {string[]} everything, where git does not know the project
 */
export function formattedPaths(root) {
  let tracked;
  try {
    tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  } catch {
    return ['.'];
  }
  if (tracked === '') return ['.'];
  const names = new Set(tracked.split('\0').map((path) => path.split('/')[0]));
  return [...names].filter((name) => name !== '' && existsSync(join(root, name)));
}
