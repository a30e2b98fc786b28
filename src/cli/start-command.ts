import { loadConfig } from '../config/config.ts';
import { BridgeProgram } from '../process/bridge-program.ts';
import type { ConfigFlags } from './config-flags.ts';
import { reportFailure } from './report-failure.ts';

const stopLimitMs = 10_000;

/**
 * Runs a node until SIGTERM or SIGINT, then stops it and ends the process with status 0.
 *
 * A signal during the start is heeded when the start is over. A node that has not stopped in time is left: what
 * it has acknowledged is on disk.
 *
 * @throws when the node cannot start
 */
export async function runStart(flags: ConfigFlags['flags']): Promise<void> {
  const config = loadConfig({ flags });
  const stopSignal = new Promise<void>((resolve) => {
    // Stays installed: a second signal must not cut the stopping short.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
  const node = await start(config);
  await stopSignal;
  setTimeout(() => {
    process.stderr.write(`lyre: the node did not stop within ${stopLimitMs / 1_000} s\n`);
    process.exit(1);
  }, stopLimitMs - 500).unref();
  try {
    await node[Symbol.asyncDispose]();
  } catch (error) {
    endWithFailure(error);
  }
  process.exit(0);
}

async function start(config: ReturnType<typeof loadConfig>): Promise<AsyncDisposable> {
  const program = new BridgeProgram();
  if (config.clustering.enabled && !config.bridge.inProcess) program.prepare();
  try {
    // Not loaded by the other commands, which are done sooner without it.
    const { startNode } = await import('../process/start.ts');
    return await startNode(config, program);
  } catch (error) {
    endWithFailure(error);
  }
}

/** Whatever was left open must not keep a process alive that does not serve. */
function endWithFailure(error: unknown): never {
  reportFailure(error);
  process.exit();
}
