import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNatsServer } from './nats-server/ensure.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Brings a clone to the point where it can run: dependencies, nats-server, build. Each step says
 * what it does, and is skipped when there is nothing to do.
 *
 * Imports nothing that is installed: it runs before `node_modules` exists.
 *
 * @throws an Error whose message is for the user
 */
export async function ensureReady() {
  ensureNode();
  fixNatsServerPath();
  ensureDependencies();
  await ensureServer();
  ensureBuild();
}

/** A nats-server that this project can use. */
export async function ensureServer() {
  const server = await ensureNatsServer(root, say);
  say(`nats-server ${server.version} (${server.where})`);
}

/**
 * Runs the body of a script; a failure becomes one message and a non-zero exit.
 *
 * @param {() => Promise<void>} body
 */
export async function runScript(body) {
  try {
    await body();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** @param {string} message */
export function say(message) {
  console.log(`setup: ${message}`);
}

function ensureNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Error(`Node ${process.versions.node} is too old, at least 20.19 is needed`);
}

/** A path is of this directory, and nodes are started in others; a name is sought on the PATH by each of them. */
function fixNatsServerPath() {
  const path = process.env.NATS_SERVER_BIN;
  if (path?.includes('/')) process.env.NATS_SERVER_BIN = resolve(path);
}

function ensureDependencies() {
  const lockFile = join(root, 'package-lock.json');
  // Written by npm as the last act of an install, so an interrupted one is done again.
  const installed = join(root, 'node_modules', '.package-lock.json');
  // One of those that only development needs: an install without them looks as complete.
  const isWhole = existsSync(join(root, 'node_modules', 'esbuild', 'package.json'));
  if (isWhole && existsSync(installed) && modifiedAt(installed) >= modifiedAt(lockFile)) return;
  say('npm ci');
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], 'npm ci');
}

const buildInputs = [
  'scripts/build.mjs',
  'scripts/load-bundle.cjs',
  'scripts/third-party-licences.mjs',
  'package.json',
  'package-lock.json',
];

function ensureBuild() {
  const stamp = join(root, 'dist', '.built');
  const newest = Math.max(
    newestIn(join(root, 'src')),
    ...buildInputs.map((name) => modifiedAt(join(root, name))),
  );
  if (existsSync(stamp) && modifiedAt(stamp) > newest) return say('build is up to date');
  say('npm run build');
  // The moment before the compiler reads: what is edited while it runs counts as newer.
  const startedAt = new Date();
  run('npm', ['run', '--silent', 'build'], 'the build');
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

/** @param {string} path */
function modifiedAt(path) {
  return statSync(path).mtimeMs;
}

/**
 * Directories count too: theirs changes when a file is removed.
 *
 * @param {string} directory
 * @returns {number}
 */
function newestIn(directory) {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.reduce((newest, entry) => {
    const path = join(directory, entry.name);
    return Math.max(newest, entry.isDirectory() ? newestIn(path) : modifiedAt(path));
  }, modifiedAt(directory));
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} what
 */
function run(command, args, what) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`setup: ${what} failed${error ? `: ${error.message}` : ''}`);
}
