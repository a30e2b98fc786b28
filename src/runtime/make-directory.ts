import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory and what is missing above it. One that is there stays as it is.
 *
 * Not by Node's own `recursive`: that never returns where a directory that is there says that there is none, as /proc does.
 *
 * @param mode of the last one; what is made above it is made as usual
 */
export function makeDirectory(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (isDirectory(path)) return;
    const parent = dirname(path);
    const isParentMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && !isDirectory(parent);
    if (!isParentMissing || parent === path) throw error;
    makeDirectory(parent);
    makeDirectory(path, mode);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
