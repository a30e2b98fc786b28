import { chmod, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fetchPackage, findArchive } from '../distribution/package.mjs';
import { removeLeftScratch, withScratch } from '../distribution/scratch.mjs';
import { findNatsServer, probe } from './find.mjs';
import { fetchOfficialRelease } from './official-release.mjs';
import { OLDEST_USABLE, PINNED } from './version.mjs';

/**
 * Finds a usable nats-server, or fetches one into `.nats/` beside the project.
 *
 * @param {string} root the project's directory
 * @param {(message: string) => void} say
 * @returns {Promise<import('./find.mjs').NatsServer>}
 * @throws an Error that lists what was tried and what to do
 */
export async function ensureNatsServer(root, say) {
  const localPath = join(root, '.nats', 'nats-server');
  await removeLeftScratch(dirname(localPath));
  const { server, tried } = await findNatsServer(localPath, process.env.NATS_SERVER_BIN);
  if (server) return server;

  say(`fetching nats-server ${PINNED} (official release)`);
  const fetched = await attempt('official release', tried, () => install(localPath, fetchOfficialRelease));
  if (fetched) return fetched;
  say(`${tried.at(-1)}; trying the distribution's packages`);
  const archive = await attempt("the distribution's packages", tried, findArchive);
  if (archive)
    for (const suite of archive.newer) {
      say(`fetching nats-server from ${suite} (unpacked beside the project, the system is not changed)`);
      const found = await attempt(`package of ${suite}`, tried, () =>
        install(localPath, async (directory) => {
          const unpacked = await fetchPackage(directory, 'nats-server', suite, archive);
          return join(unpacked, 'usr/sbin/nats-server');
        }),
      );
      if (found) return found;
    }
  throw new Error(
    [
      `no nats-server >= ${OLDEST_USABLE} could be found or fetched:`,
      ...tried.map((line) => `  - ${line}`),
      'Install one (https://github.com/nats-io/nats-server/releases) and set NATS_SERVER_BIN to its path.',
    ].join('\n'),
  );
}

/**
 * @template T
 * @param {string} what
 * @param {string[]} tried gets the reason of a failure
 * @param {() => Promise<T>} body
 * @returns {Promise<T | undefined>}
 */
async function attempt(what, tried, body) {
  try {
    return await body();
  } catch (error) {
    tried.push(`${what}: ${error.message}`);
    return undefined;
  }
}

/**
 * Fetches into a scratch directory and moves the binary into place only after it has run here:
 * what lies at `localPath` is always whole.
 *
 * @param {string} localPath
 * @param {(directory: string) => Promise<string>} fetchInto
 */
function install(localPath, fetchInto) {
  return withScratch(dirname(localPath), async (directory) => {
    const binary = await fetchInto(directory);
    await chmod(binary, 0o755);
    await probe(binary, '.nats');
    await rename(binary, localPath);
    return probe(localPath, '.nats');
  });
}
