import { chmodSync, statSync } from 'node:fs';
import { makeDirectory } from './make-directory.ts';

/** Makes a directory for its owner only. One that is there stays as it is; what is missing above it is made as usual. */
export function makePrivateDirectory(path: string): void {
  makeDirectory(path, 0o700);
}

/** Takes the rights of all others from a file or directory of ours, where the file system knows of rights. */
export function closeToOthers(path: string): void {
  const { uid, mode } = statSync(path);
  if (uid !== process.getuid?.() || (mode & 0o077) === 0) return;
  try {
    chmodSync(path, mode & 0o700);
  } catch {
    // Such as FAT: whoever mounted it decides.
  }
}
