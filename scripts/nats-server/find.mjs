import { existsSync } from 'node:fs';
import { run } from '../distribution/command.mjs';
import { OLDEST_USABLE, isUsable, parseVersion } from './version.mjs';

/**
 * @typedef {{ path: string, version: string, where: string }} NatsServer
 * @typedef {{ server?: NatsServer, tried: string[] }} Search
 */

/**
 * Looks for a usable nats-server on this machine, without downloading anything.
 *
 * `lyre start` looks in the same order (src/process/find-nats-server.ts).
 *
 * @param {string} localPath where setup keeps its own
 * @param {string | undefined} configuredPath the value of NATS_SERVER_BIN
 * @returns {Promise<Search>} `tried` says why each earlier place was passed over
 * @throws if NATS_SERVER_BIN is set and cannot be used: the user's choice is never replaced in silence
 */
export async function findNatsServer(localPath, configuredPath) {
  if (configuredPath) {
    try {
      return { server: await probe(configuredPath, 'NATS_SERVER_BIN'), tried: [] };
    } catch (error) {
      throw new Error(`NATS_SERVER_BIN cannot be used: ${error.message}; correct or unset it`, {
        cause: error,
      });
    }
  }
  const tried = [];
  // By name, so that the operating system searches the PATH as it will when the server is started.
  for (const [path, where] of [
    ['nats-server', 'PATH'],
    [localPath, '.nats'],
  ]) {
    if (where === '.nats' && !existsSync(localPath)) {
      tried.push('.nats: nothing there yet');
      continue;
    }
    try {
      return { server: await probe(path, where), tried };
    } catch (error) {
      tried.push(`${where}: ${error.message}`);
    }
  }
  return { tried };
}

/**
 * Runs the server for its version.
 *
 * @param {string} path
 * @param {string} where
 * @returns {Promise<NatsServer>}
 * @throws if it does not run or is too old
 */
export async function probe(path, where) {
  const output = await run(path, ['--version']);
  const version = parseVersion(output);
  if (!version) throw new Error(`${path} does not say its version`);
  if (!isUsable(version)) throw new Error(`${path} is ${version}, at least ${OLDEST_USABLE} is needed`);
  return { path, version, where };
}
