import { once } from 'node:events';
import { loadConfig } from '../config/config.ts';
import { NodePrograms } from '../process/node-programs.ts';
import type { RunningNode } from '../process/start.ts';
import { holdYoungGeneration, releaseYoungGeneration } from '../runtime/young-generation.ts';
import type { ConfigFlags } from './config-flags.ts';
import { reportFailure } from './report-failure.ts';

const stopLimitMs = 10_000;
/** What a client is told that a restart may take. */
const restartLimitMs = 60_000;

/**
 * Runs a node until SIGTERM or SIGINT, then stops it and ends the process with status 0. When an operation asks for
 * a restart, the node is closed and started again in this process, with the configuration as it is then.
 *
 * A signal during the start is heeded when the start is over, one while the node closes for a restart when it is closed.
 * A node that has not stopped in time is left: what
 * it has acknowledged is on disk.
 *
 * @throws when the node cannot start
 */
export async function runStart(flags: ConfigFlags['flags']): Promise<void> {
  const stop = new AbortController();
  const stopSignal = once(stop.signal, 'abort');
  // Stays installed: a second signal must not cut the stopping short.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  for (;;) {
    const node = await start(flags);
    await Promise.race([stopSignal, node.restartAsked]);
    await close(node, stop.signal);
    if (stop.signal.aborted) process.exit(0);
  }
}

/** For a stop, or for a restart that becomes one when `stop` is aborted meanwhile. */
async function close(node: AsyncDisposable, stop: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limitTo = (limitMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      process.stderr.write(`lyre: the node did not stop within ${limitMs / 1_000} s\n`);
      process.exit(1);
    }, limitMs - 500).unref();
  };
  const hurry = (): void => limitTo(stopLimitMs);
  limitTo(stop.aborted ? stopLimitMs : restartLimitMs);
  stop.addEventListener('abort', hurry);
  try {
    await node[Symbol.asyncDispose]();
  } catch (error) {
    endWithFailure(error);
  }
  stop.removeEventListener('abort', hurry);
  clearTimeout(timer);
}

async function start(flags: ConfigFlags['flags']): Promise<RunningNode> {
  let programs: NodePrograms | undefined;
  holdYoungGeneration();
  try {
    const sources = { flags };
    const config = loadConfig(sources);
    programs = new NodePrograms(config);
    programs.prepare();
    // Not loaded by the other commands, which are done sooner without it.
    const { startNode } = await import('../process/start.ts');
    return await startNode(config, programs, sources);
  } catch (error) {
    programs?.bridge.abandon();
    endWithFailure(error);
  } finally {
    releaseYoungGeneration();
  }
}

/** Whatever was left open must not keep a process alive that does not serve. */
function endWithFailure(error: unknown): never {
  reportFailure(error);
  process.exit();
}
