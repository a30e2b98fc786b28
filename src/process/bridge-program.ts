import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../config/child-environment.ts';
import { heldYoungGeneration } from '../runtime/young-generation.ts';

/** Runs the program of the bridge, which waits for its `start` message. */
export class BridgeProgram {
  #ahead: ChildProcess | undefined;

  /** Runs the first one now: it loads its modules while this process still loads its own. */
  prepare(): void {
    this.#ahead = run();
  }

  /** Ends the one that was prepared and that nobody has taken: it has not done anything yet. */
  abandon(): void {
    this.#ahead?.kill('SIGKILL');
    this.#ahead = undefined;
  }

  /** The one that was prepared, if it is still there, else a new one. */
  start(): ChildProcess {
    const prepared = this.#ahead;
    this.#ahead = undefined;
    return prepared?.connected ? prepared : run();
  }
}

function run(): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`bridge-main.${extension}`, import.meta.url));
  const execArgv = [
    ...process.execArgv,
    // What it decodes dies young: more room for that saves a tenth of its time.
    '--max-semi-space-size=32',
    heldYoungGeneration,
    // It trusts the certificates that it has pinned and no others; Node would parse all of its own before the first one.
    '--use-openssl-ca',
  ];
  return fork(program, [], { serialization: 'advanced', execArgv, env: childEnvironment() });
}
