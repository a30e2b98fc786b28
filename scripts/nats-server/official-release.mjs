import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../distribution/command.mjs';
import { PINNED } from './version.mjs';

const RELEASE_URL = `https://github.com/nats-io/nats-server/releases/download/v${PINNED}`;
const SYSTEMS = { linux: 'linux', darwin: 'darwin' };
const PROCESSORS = { x64: 'amd64', arm64: 'arm64', arm: 'arm7', ia32: '386' };

/**
 * Downloads the pinned release and checks it against its published checksums.
 *
 * They come from the same place, so they tell a damaged archive, and not one that was replaced there.
 *
 * @param {string} directory an empty directory to work in
 * @param {string} [releaseUrl] for tests
 * @returns {Promise<string>} the path of the unpacked binary
 * @throws an Error that names what could not be fetched, or is not what it should be
 */
export async function fetchOfficialRelease(directory, releaseUrl = RELEASE_URL) {
  const system = SYSTEMS[process.platform];
  const processor = PROCESSORS[process.arch];
  if (!system || !processor) throw new Error(`no archive for ${process.platform} on ${process.arch}`);

  const name = `nats-server-v${PINNED}-${system}-${processor}`;
  const archive = `${name}.tar.gz`;
  const sums = await download(`${releaseUrl}/SHA256SUMS`);
  const expected = checksumOf(archive, sums.toString());
  if (!expected) throw new Error(`SHA256SUMS does not list ${archive}`);
  const bytes = await download(`${releaseUrl}/${archive}`);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== expected) throw new Error(`${archive} has checksum ${actual}, SHA256SUMS says ${expected}`);

  await writeFile(join(directory, archive), bytes);
  await run('tar', ['-xzf', archive], { cwd: directory, timeoutMs: 60_000 });
  return join(directory, name, 'nats-server');
}

/**
 * @param {string} file
 * @param {string} sums
 */
function checksumOf(file, sums) {
  const lines = sums.split('\n').map((line) => line.trim().split(/\s+\*?/));
  return lines.find(([, name]) => name === file)?.[0];
}

/**
 * @param {string} url
 * @returns {Promise<Buffer>}
 */
async function download(url) {
  const controller = new AbortController();
  // Short until the server answers, because many machines cannot reach it at all; long for the bytes.
  let limit = setTimeout(() => controller.abort(), 5_000);
  try {
    const response = await fetch(url, { signal: controller.signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    clearTimeout(limit);
    limit = setTimeout(() => controller.abort(), 300_000);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const reason = controller.signal.aborted ? 'no answer in time' : (error.cause?.message ?? error.message);
    throw new Error(`${url}: ${reason}`, { cause: error });
  } finally {
    clearTimeout(limit);
  }
}
