import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './owned-processes.mjs';

/** The last ones of express-pouchdb and of the PouchDB that it was made for. */
const versions = { express: '4.22.1', 'express-pouchdb': '4.2.0', pouchdb: '7.3.1' };

/**
 * Puts PouchDB and its server under `directory`, from the npm registry, where they are not yet.
 *
 * @param {string} directory
 * @returns {Promise<{ directory: string, versions: typeof versions } | { missing: string }>}
 */
export async function providePouch(directory) {
  // npm writes it last.
  const isThere = () => existsSync(join(directory, 'node_modules', '.package-lock.json'));
  if (!isThere()) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(
      join(directory, 'package.json'),
      JSON.stringify({ private: true, dependencies: versions }, null, 2),
    );
    const { status, output } = await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: directory });
    if (status !== 0 || !isThere())
      return { missing: `npm could not install it: ${output.trim().slice(-300)}` };
  }
  return { directory, versions };
}
