import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const prefix = 'fetch-';
/** No fetch takes as long: whoever made it was interrupted. */
const leftAfterMs = 3_600_000;

/**
 * Runs `body` with an empty directory to fetch into, which is removed afterwards.
 *
 * @template T
 * @param {string} parent made where it is missing; on the same file system as what `body` moves there
 * @param {(directory: string) => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withScratch(parent, body) {
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(join(parent, prefix));
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Removes what interrupted runs have left.
 *
 * @param {string} parent may be missing
 */
export async function removeLeftScratch(parent) {
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const directory = join(parent, name);
    try {
      const { mtimeMs } = await stat(directory);
      if (Date.now() - mtimeMs > leftAfterMs) await rm(directory, { recursive: true, force: true });
    } catch {
      // Another run removes its own meanwhile, or somebody else's user owns it: it is in nobody's way.
    }
  }
}
