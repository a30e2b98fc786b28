import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory of the test's own, which is removed with all in it when the test ends. */
export async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'lyre-scripts-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
