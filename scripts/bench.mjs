// Measures a node of this clone, with PostgreSQL's logical replication as the second system where it is installed, or PouchDB.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commitOf } from './benchmark/commit.mjs';
import { Contender } from './benchmark/contender.mjs';
import { diskOf } from './benchmark/file-system.mjs';
import { LyreSystem } from './benchmark/lyre-system.mjs';
import { measureRun } from './benchmark/measure-run.mjs';
import { help, readOptions } from './benchmark/options.mjs';
import { endAll } from './benchmark/owned-processes.mjs';
import { findPostgres } from './benchmark/postgres-programs.mjs';
import { PostgresSystem } from './benchmark/postgres-system.mjs';
import { providePouch } from './benchmark/pouch-packages.mjs';
import { PouchSystem } from './benchmark/pouch-system.mjs';
import { profileSummary } from './benchmark/profile-summary.mjs';
import { RawLimits } from './benchmark/raw-limits.mjs';
import { Report } from './benchmark/report.mjs';
import { writePlots } from './benchmark/write-plots.mjs';
import { onInterrupt } from './interrupt.mjs';

/** @typedef {NonNullable<ReturnType<typeof readOptions>>} Options */

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

/** @param {Options} options */
async function bench(options) {
  const fileSystem = diskOf(options.directory);
  if (options.profileDirectory) mkdirSync(options.profileDirectory, { recursive: true });
  const directory = mkdtempSync(join(options.directory, 'lyre-bench-'));
  // PostgreSQL runs under an account of its own.
  chmodSync(directory, 0o755);
  const removeData = () => rmSync(directory, { recursive: true, force: true });
  const stop = new AbortController();
  const stopEarly = (/** @type {string} */ why, /** @type {number} */ status) => {
    if (stop.signal.aborted) return;
    say(why);
    stop.abort();
    void endAll().then(() => {
      removeData();
      process.exit(status);
    });
  };
  // What was started is in process groups of its own: nobody else ends it.
  onInterrupt((status) => stopEarly('interrupted, ending what was started', status));
  const limit = limitMs * Math.max(0.2, options.size.scale) * options.runs;
  const timer = setTimeout(
    () => stopEarly(`not done after ${Math.round(limit / 60_000)} minutes, giving up`, 1),
    limit,
  );
  try {
    await measure(await systemsOf(options), { ...options, directory, fileSystem }, stop.signal);
  } finally {
    clearTimeout(timer);
    await endAll();
    removeData();
  }
  if (options.profileDirectory) process.stderr.write(profileSummary(options.profileDirectory));
}

/**
 * The systems to compare, each as a function that makes a fresh one with its data under a directory.
 *
 * @param {Options} options
 * @returns {Promise<((directory: string) => import('./benchmark/system.mjs').System)[]>}
 */
async function systemsOf({ isAlone, isWithPouch, mayInstall, isOneProcess, profileDirectory }) {
  const ours = (/** @type {string} */ directory) =>
    new LyreSystem({ root, directory, isOneProcess, profileDirectory });
  if (isWithPouch) {
    const pouch = await providePouch(join(root, '.pouchdb'));
    if ('missing' in pouch) throw new Error(`PouchDB is not there: ${pouch.missing}`);
    const { directory: packages, versions } = pouch;
    return [ours, (directory) => new PouchSystem({ packages, versions, directory })];
  }
  if (isAlone) return [ours];
  const found = await findPostgres({ mayInstall });
  if ('missing' in found) {
    say(`PostgreSQL is left out: ${found.missing}`);
    return [ours];
  }
  return [ours, (directory) => new PostgresSystem({ programs: found.directory, directory })];
}

/**
 * Each run has systems of its own on empty directories, in the other order than the run before.
 *
 * @param {Awaited<ReturnType<typeof systemsOf>>} systems
 * @param {Options & { fileSystem: string }} options `directory`: of this benchmark alone
 * @param {AbortSignal} signal
 */
async function measure(systems, { wanted, size, runs, plotDirectory, directory, fileSystem }, signal) {
  const described = systems.map((make) => make(directory));
  const report = new Report(described.map(({ name }) => name));
  report.line({
    started: new Date().toISOString(),
    commit: commitOf(root),
    scale: size.scale,
    fan_out: size.fanOut,
    grown_rows: size.grownRows,
    runs,
    node: process.version,
    processors: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
    file_system: fileSystem,
    rows: '17 fields, 347 bytes as JSON; two secondary indexes unless a figure says otherwise',
    systems: Object.fromEntries(
      await Promise.all(described.map(async (system) => [system.name, await system.describe()])),
    ),
  });
  for (let run = 1; run <= runs && !signal.aborted; run += 1) {
    if (runs > 1) say(`run ${run} of ${runs}`);
    report.nextRun();
    const runDirectory = join(directory, `run-${run}`);
    const contenders = systems.map((make, at) => new Contender(make(join(runDirectory, String(at))), size));
    const isComplete = await measureRun({
      contenders: run % 2 === 1 ? contenders : contenders.reverse(),
      limits: new RawLimits({ root, directory: join(runDirectory, 'raw'), scale: size.scale }),
      wanted,
      report,
      say,
      signal,
    });
    if (!isComplete) process.exitCode = 1;
    rmSync(runDirectory, { recursive: true, force: true });
  }
  if (signal.aborted) return;
  const summaries = report.summaries();
  for (const summary of summaries) report.line(summary);
  report.table();
  if (plotDirectory) writePlots(plotDirectory, summaries);
}

/** @param {string} message */
function say(message) {
  process.stderr.write(`bench: ${message}\n`);
}
