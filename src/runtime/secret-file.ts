import { renameSync, writeFileSync } from 'node:fs';

/**
 * Writes a file that only its owner can read, whole or not at all: a crash in the middle of the first start must
 * not leave half a key.
 */
export function writeSecret(file: string, content: string): void {
  const half = `${file}.${process.pid}`;
  writeFileSync(half, content, { mode: 0o600 });
  renameSync(half, file);
}
