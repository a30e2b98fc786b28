import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file, readable by its owner only unless told otherwise, whole or not at all: after a crash or a power cut it
 * is what it was before or what it is now. It is on disk when this returns. One that holds this already is left alone,
 * which takes no room.
 */
export function writeWhole(file: string, content: string, mode = 0o600): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return;
  const half = `${file}.${process.pid}`;
  try {
    writeFileSync(half, content, { mode, flush: true });
    renameSync(half, file);
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  }
  flushDirectory(dirname(file));
}

function flushDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch {
    // Some file systems, such as those of a network, know this of files only.
  } finally {
    closeSync(fd);
  }
}
