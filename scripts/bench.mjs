// Measures a node of this clone, with PostgreSQL's logical replication as the second system where it is installed.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Contender } from './benchmark/contender.mjs';
import { link } from './benchmark/loads/initial-copy.mjs';
import { loads } from './benchmark/loads.mjs';
import { LyreSystem } from './benchmark/lyre-system.mjs';
import { endAll } from './benchmark/owned-processes.mjs';
import { findPostgres } from './benchmark/postgres-programs.mjs';
import { PostgresSystem } from './benchmark/postgres-system.mjs';
import { profileSummary } from './benchmark/profile-summary.mjs';
import { Report } from './benchmark/report.mjs';

const help = `Usage: scripts/bench [options]

One JSON line per figure on stdout, progress and a table on stderr.

  --only S1,C      loads to run (default: all):
${Object.entries(loads)
  .map(([letter, { what }]) => `                     ${letter.padEnd(3)} ${what}`)
  .join('\n')}
  --scale 0.1      multiplies row counts and durations (default 1, a quarter of an hour)
  --postgres       install PostgreSQL from Debian where it is missing (apt-get, as root)
  --no-postgres    measure this node alone
  --directory DIR  where the data go while it runs (default: the system's temporary directory)
  --profile DIR    processor profiles of the node's processes; the figures are slower for it
  --help
`;

const root = fileURLToPath(new URL('..', import.meta.url));
/** Nothing is left waiting for ever: at scale 1 a run takes less than half of this. */
const limitMs = 45 * 60_000;

try {
  const options = readOptions(process.argv.slice(2));
  if (options) await bench(options);
  else process.stdout.write(help);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

/** @param {readonly string[]} args */
function readOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      scale: { type: 'string', default: '1' },
      postgres: { type: 'boolean', default: false },
      'no-postgres': { type: 'boolean', default: false },
      directory: { type: 'string', default: tmpdir() },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const scale = Number(values.scale);
  if (!(scale > 0)) throw new Error(`--scale is a number above 0, not '${values.scale}'`);
  const only = values.only?.split(',').map((letter) => letter.trim().toUpperCase()) ?? Object.keys(loads);
  const unknown = only.find((letter) => !(letter in loads));
  if (unknown !== undefined)
    throw new Error(`--only knows ${Object.keys(loads).join(', ')}, not '${unknown}'`);
  return {
    wanted: new Set(only),
    scale,
    mayInstall: values.postgres,
    isAlone: values['no-postgres'],
    directory: values.directory,
    profileDirectory: values.profile,
  };
}

/** @param {NonNullable<ReturnType<typeof readOptions>>} options */
async function bench(options) {
  if (!existsSync(join(root, 'dist', 'cli', 'main.js')))
    throw new Error('not built yet; run: npm ci && npm run setup && npm run build');
  if (options.profileDirectory) mkdirSync(options.profileDirectory, { recursive: true });
  const directory = mkdtempSync(join(options.directory, 'lyre-bench-'));
  // PostgreSQL runs under an account of its own.
  chmodSync(directory, 0o755);
  const removeData = () => rmSync(directory, { recursive: true, force: true });
  const stop = new AbortController();
  const stopEarly = (/** @type {string} */ why, /** @type {number} */ status) => {
    say(why);
    stop.abort();
    void endAll().then(() => {
      removeData();
      process.exit(status);
    });
  };
  process.once('SIGINT', () => stopEarly('interrupted, ending what was started', 130));
  process.once('SIGTERM', () => stopEarly('terminated, ending what was started', 143));
  const limit = limitMs * Math.max(0.2, options.scale);
  const timer = setTimeout(() => stopEarly(`not done after ${limit / 60_000} minutes, giving up`, 1), limit);
  try {
    await measure(await contendersOf(options, directory), options, stop.signal);
  } finally {
    clearTimeout(timer);
    await endAll();
    removeData();
  }
  if (options.profileDirectory) process.stderr.write(profileSummary(options.profileDirectory));
}

/**
 * @param {NonNullable<ReturnType<typeof readOptions>>} options
 * @param {string} directory
 */
async function contendersOf({ scale, isAlone, mayInstall, profileDirectory }, directory) {
  const systems = [new LyreSystem({ root, directory: join(directory, 'lyredb'), profileDirectory })];
  if (!isAlone) {
    const found = await findPostgres({ mayInstall });
    if ('missing' in found) say(`PostgreSQL is left out: ${found.missing}`);
    else {
      const cluster = join(directory, 'postgresql');
      mkdirSync(cluster);
      systems.push(new PostgresSystem({ programs: found.directory, directory: cluster }));
    }
  }
  return systems.map((system) => new Contender(system, scale));
}

/**
 * The contenders take turns at each load: what else goes on in the machine meets both.
 *
 * @param {readonly Contender[]} contenders
 * @param {{ wanted: ReadonlySet<string>, scale: number }} options
 * @param {AbortSignal} signal
 */
async function measure(contenders, { wanted, scale }, signal) {
  const report = new Report(contenders.map(({ system }) => system.name));
  const failed = new Set();

  /**
   * @param {string} load
   * @param {string} what
   * @param {(contender: Contender) => Promise<readonly object[] | void>} body
   */
  async function turn(load, what, body) {
    for (const contender of contenders) {
      const { name } = contender.system;
      if (failed.has(name) || signal.aborted) continue;
      say(`${name}: ${what}`);
      try {
        for (const figure of (await body(contender)) ?? []) report.figure(name, figure);
      } catch (error) {
        if (signal.aborted) return;
        report.failure(name, load, error);
        process.exitCode = 1;
        // Its later figures would be those of a system that is already out of step.
        failed.add(name);
      }
    }
  }

  report.line({
    run: new Date().toISOString(),
    scale,
    node: process.version,
    processors: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
    rows: '17 fields, 347 bytes as JSON; two secondary indexes unless a figure says otherwise',
    systems: Object.fromEntries(contenders.map(({ system }) => [system.name, system.describe()])),
  });
  await turn('start', 'start of the publisher', ({ system }) => system.startPublisher());
  let isLinked = false;
  for (const [letter, load] of Object.entries(loads)) {
    if (!wanted.has(letter)) continue;
    if (load.link === 'needed' && !isLinked) await turn('start', 'start of the subscriber', link);
    isLinked ||= load.link !== undefined;
    await turn(letter, load.what, load.run);
  }
  if (signal.aborted) return;
  for (const { system } of contenders) await system.close();
  report.ratios();
  report.table();
}

/** @param {string} message */
function say(message) {
  process.stderr.write(`bench: ${message}\n`);
}
