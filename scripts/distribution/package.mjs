import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatSource, parseList, parseSources } from './apt-sources.mjs';
import { run } from './command.mjs';

/** Suites with newer packages than those of a release, the newest first. */
const FAMILIES = {
  debian: { newer: ['sid', 'trixie'], components: 'main' },
  ubuntu: { newer: ['devel'], components: 'main universe' },
};

/**
 * @typedef {object} Archive
 * @property {string} own the suite of this machine's release
 * @property {string[]} newer
 * @property {string} components
 * @property {import('./apt-sources.mjs').AptSource[]} sources those with that suite; others than the distribution have it too
 */

/**
 * Where this machine's distribution keeps its packages.
 *
 * @param {string} [etc] where its settings are
 * @returns {Promise<Archive>}
 * @throws if this is not a machine with apt, or its own settings name no archive for its release
 */
export async function findArchive(etc = '/etc') {
  const release = await readRelease(etc);
  const { ID = '', ID_LIKE = '' } = release;
  const family = [ID, ...ID_LIKE.split(' ')].find((name) => name in FAMILIES);
  if (!family) throw new Error(`no packages are known for ${ID || process.platform}`);
  await run('apt-get', ['--version']);
  const codename = (family === 'ubuntu' && release.UBUNTU_CODENAME) || release.VERSION_CODENAME;
  const sources = (await readSources(join(etc, 'apt'))).filter(({ suites }) => suites.includes(codename));
  if (sources.length === 0) throw new Error(`the settings of apt name no archive for ${codename}`);
  return { ...FAMILIES[family], own: codename, sources };
}

/**
 * Downloads a package and unpacks it, with settings of its own for apt:
 * the system's package lists, cache and installed packages are neither used nor changed, and no
 * privilege is needed.
 *
 * @param {string} directory an empty directory to work in
 * @param {string} name of the package
 * @param {string} suite
 * @param {Archive} archive
 * @returns {Promise<string>} the directory that stands for `/`
 * @throws what each of the archive's sources said, if none has the package
 */
export async function fetchPackage(directory, name, suite, { components, sources }) {
  const reasons = [];
  for (const [at, source] of sources.entries()) {
    try {
      return await fetchFrom(join(directory, String(at)), name, formatSource(source, suite, components));
    } catch (error) {
      reasons.push(error);
    }
  }
  throw new Error([...new Set(reasons.map(({ message }) => message))].join('; '), { cause: reasons.at(-1) });
}

/**
 * @param {string} directory
 * @param {string} name
 * @param {string} source a deb822 paragraph
 */
async function fetchFrom(directory, name, source) {
  const at = (path) => join(directory, path);
  for (const path of ['sources', 'state/lists/partial', 'cache/archives/partial', 'unpacked']) {
    await mkdir(at(path), { recursive: true });
  }
  await writeFile(at('status'), '');
  await writeFile(at('sources/wanted.sources'), source);
  await writeFile(at('apt.conf'), privateSettings(at));

  // `-c` is read last, after the machine's own settings (proxies, certificates), which stay in force.
  await run('apt-get', ['-c', at('apt.conf'), 'update'], { timeoutMs: 180_000 });
  // Not `name/suite`: nothing else is configured, and the archive may call itself otherwise (Ubuntu's `devel`).
  await run('apt-get', ['-c', at('apt.conf'), 'download', name], {
    cwd: directory,
    timeoutMs: 180_000,
  });
  const file = (await readdir(directory)).find((entry) => entry.endsWith('.deb'));
  if (!file) throw new Error('apt-get download left no package');
  await run('dpkg', ['-x', at(file), at('unpacked')], { timeoutMs: 60_000 });
  return at('unpacked');
}

/** @param {(path: string) => string} at */
function privateSettings(at) {
  return [
    `Dir::Etc::sourcelist "/dev/null";`,
    `Dir::Etc::sourceparts "${at('sources')}";`,
    // What the machine prefers among its own suites would refuse this one.
    `Dir::Etc::preferences "/dev/null";`,
    `Dir::Etc::preferencesparts "/dev/null";`,
    `#clear APT::Default-Release;`,
    `Dir::State "${at('state')}";`,
    `Dir::State::lists "${at('state/lists')}";`,
    `Dir::State::status "${at('status')}";`,
    `Dir::Cache "${at('cache')}";`,
    `Dir::Cache::archives "${at('cache/archives')}";`,
    `APT::Sandbox::User "root";`,
    `APT::Get::List-Cleanup "false";`,
    `Acquire::Languages "none";`,
    `Acquire::http::Timeout "10";`,
    `Acquire::https::Timeout "10";`,
    `Acquire::Retries "1";`,
    // Hooks of the machine would act on the system's own lists and cache.
    `#clear APT::Update::Pre-Invoke;`,
    `#clear APT::Update::Post-Invoke;`,
    `#clear APT::Update::Post-Invoke-Success;`,
    // An archive that cannot be reached is an error, not a warning.
    `APT::Update::Error-Mode "any";`,
    '',
  ].join('\n');
}

/**
 * @param {string} etc
 * @returns {Promise<Record<string, string>>}
 */
async function readRelease(etc) {
  const text = await readFile(join(etc, 'os-release'), 'utf8').catch(() => '');
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)=["']?(.*?)["']?$/gm)].map(([, name, value]) => [name, value]),
  );
}

/** @param {string} apt the directory of its settings */
async function readSources(apt) {
  const directory = join(apt, 'sources.list.d');
  const names = (await readdir(directory).catch(() => [])).sort((a, b) => (a < b ? -1 : 1));
  const files = [join(apt, 'sources.list'), ...names.map((name) => join(directory, name))];
  const sources = [];
  for (const file of files) {
    const parse = file.endsWith('.sources') ? parseSources : file.endsWith('.list') ? parseList : undefined;
    if (parse) sources.push(...parse(await readFile(file, 'utf8').catch(() => '')));
  }
  return sources;
}
