import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './owned-processes.mjs';

const versionsDirectory = '/usr/lib/postgresql';
/** What the targets of the project compare with. */
const wantedVersion = '15';

/**
 * The directory of PostgreSQL's programs; version 15 before any other.
 *
 * @param {{ mayInstall: boolean }} options
 * @returns {Promise<{ directory: string } | { missing: string }>} `missing`: why there are none, for the user
 */
export async function findPostgres({ mayInstall }) {
  const found = installed();
  if (found) return { directory: found };
  if (!mayInstall) return { missing: 'not installed; --postgres installs it from Debian' };
  if (process.getuid?.() !== 0) return { missing: 'not installed, and only root can install it' };
  const problem = await install();
  const directory = installed();
  return directory ? { directory } : { missing: `apt-get could not install it: ${problem}` };
}

function installed() {
  if (!existsSync(versionsDirectory)) return undefined;
  return readdirSync(versionsDirectory)
    .sort((a, b) => Number(b === wantedVersion) - Number(a === wantedVersion) || Number(b) - Number(a))
    .map((version) => join(versionsDirectory, version, 'bin'))
    .find((directory) =>
      ['initdb', 'postgres', 'pgbench'].every((name) => existsSync(join(directory, name))),
    );
}

/** @returns {Promise<string>} the last line of what went wrong */
async function install() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const tries = [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', `postgresql-${wantedVersion}`],
    ['install', '-y', '-qq', '--no-install-recommends', 'postgresql'],
  ];
  let last = '';
  for (const args of tries) {
    if (installed()) break;
    try {
      const { output } = await run('apt-get', args, { env, timeout: 180_000 });
      last = output.trim().split('\n').at(-1) ?? '';
    } catch (error) {
      return error.message;
    }
  }
  return last;
}
