import { existsSync } from 'node:fs';
import { copyFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchPackage, findArchive } from './distribution/package.mjs';
import { removeLeftScratch, withScratch } from './distribution/scratch.mjs';

/** The variant for programs with threads. */
const library = 'libfaketimeMT.so.1';

/**
 * Fetches libfaketime, with which tests set the clock of a process, into `.faketime/` beside the project. Where that
 * cannot be, tests use the system's, or are skipped, with a message.
 *
 * @param {string} root the project's directory
 * @param {(message: string) => void} say
 */
export async function ensureFaketime(root, say) {
  const directory = join(root, '.faketime');
  await removeLeftScratch(directory);
  if (process.platform !== 'linux' || existsSync(join(directory, library))) return;
  say('fetching libfaketime (unpacked beside the project, the system is not changed)');
  try {
    await withScratch(directory, async (scratch) => {
      const archive = await findArchive();
      const unpacked = await fetchPackage(scratch, 'libfaketime', archive.own, archive);
      const files = await readdir(unpacked, { recursive: true });
      const file = files.find((path) => path.endsWith(library));
      if (file === undefined) throw new Error(`the package has no ${library}`);
      // What lies at its place is always whole.
      await copyFile(join(unpacked, file), join(scratch, library));
      await rename(join(scratch, library), join(directory, library));
    });
  } catch (error) {
    say(`libfaketime was not fetched (${error.message}): tests use the system's, if there is one`);
  }
}
