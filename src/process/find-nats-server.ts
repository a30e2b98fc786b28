import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './package-root.ts';

/** Older servers rewind stream sequences wrongly and have open CVEs. */
const OLDEST_USABLE = '2.10.27';

/** A nats-server that was run for its version just now. */
export interface NatsServer {
  /** What to spawn: a path, or `nats-server` where the operating system found it on the PATH. */
  readonly path: string;
  readonly version: string;
}

export interface FindNatsServerOptions {
  /** The value of NATS_SERVER_BIN; when given, nothing else is looked at. */
  readonly configuredPath?: string | undefined;
  /** Where `npm run setup` has put its `.nats/nats-server`; this package by default. */
  readonly packageRoot?: string;
}

/**
 * Finds the nats-server to run: NATS_SERVER_BIN, the PATH, then the one `npm run setup` installed.
 *
 * Downloads nothing. `scripts/nats-server/find.mjs` looks in the same order before anything is built.
 *
 * @throws Error with one line: what is missing or too old, and what to do
 */
export async function findNatsServer(options: FindNatsServerOptions = {}): Promise<NatsServer> {
  const { configuredPath, packageRoot: root = packageRoot } = options;
  if (configuredPath) {
    const result = await probe(configuredPath);
    if (result.kind === 'usable') return result.server;
    throw new Error(`NATS_SERVER_BIN cannot be used: ${result.reason}; correct or unset it`);
  }

  const reasons: string[] = [];
  const localPath = join(root, '.nats', 'nats-server');
  for (const path of existsSync(localPath) ? ['nats-server', localPath] : ['nats-server']) {
    const result = await probe(path);
    if (result.kind === 'usable') return result.server;
    reasons.push(result.reason);
  }
  throw new Error(
    `No usable nats-server (${reasons.join('; ')}): run \`npm run setup\` in ${root.replace(/\/$/, '')}, or set NATS_SERVER_BIN to one >= ${OLDEST_USABLE}`,
  );
}

type Probe =
  | { readonly kind: 'usable'; readonly server: NatsServer }
  | { readonly kind: 'unusable'; readonly reason: string };

async function probe(path: string): Promise<Probe> {
  let output: string;
  try {
    output = (await promisify(execFile)(path, ['--version'], { timeout: 10_000 })).stdout;
  } catch (error) {
    return { kind: 'unusable', reason: `${path} ${whyNotRun(error)}` };
  }
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (version === undefined) return { kind: 'unusable', reason: `${path} does not say its version` };
  if (!isAtLeast(version, OLDEST_USABLE)) {
    return { kind: 'unusable', reason: `${path} is ${version}, at least ${OLDEST_USABLE} is needed` };
  }
  return { kind: 'usable', server: { path, version } };
}

function whyNotRun(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'is not found';
  if (code === 'EACCES') return 'is not executable';
  return `does not run (${typeof code === 'string' || typeof code === 'number' ? code : 'no answer'})`;
}

function isAtLeast(version: string, oldest: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of oldest.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
