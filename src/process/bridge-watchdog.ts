import type { Logger } from '../runtime/logger.ts';
import { activityOf, stoodStill } from '../runtime/process-activity.ts';
import { RunLoop } from '../runtime/run-loop.ts';

export interface BridgeWatchdogOptions {
  /** How long commits of this process have stood in line for the writer's lock. */
  readonly lockWaitMs: () => number;
  /** The process of the bridge, while there is one. */
  readonly pid: () => number | undefined;
  /** False when the bridge has not answered at all for so long. */
  readonly answers: (withinMs: number) => Promise<boolean>;
  /** Ends the bridge at once; another one is started. */
  readonly end: () => void;
  readonly log: Logger;
}

const patienceMs = 2_000;
const answerMs = 1_000;
const lateMs = 250;

/**
 * Ends a bridge that stands still in the middle of a commit: it holds the writer's lock of the store, and the writes of
 * the node would wait until it goes on. The lock of a process that died is free, and what it had not committed is gone.
 *
 * One that works is left alone, however long it takes, and so is one that stands still and is in nobody's way. Linux
 * alone tells the one from the other; elsewhere no bridge is ended.
 */
export class BridgeWatchdog implements AsyncDisposable {
  readonly #options: BridgeWatchdogOptions;
  readonly #loop: RunLoop;

  constructor(options: BridgeWatchdogOptions) {
    this.#options = options;
    this.#loop = new RunLoop({
      name: 'bridge watchdog',
      body: () => this.#look(),
      idleMs: 500,
      log: options.log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  async #look(): Promise<boolean> {
    const { lockWaitMs, pid, answers, end, log } = this.#options;
    const childPid = pid();
    if (childPid === undefined || lockWaitMs() < patienceMs) return false;
    const before = activityOf(childPid);
    const askedMs = performance.now();
    if (await answers(answerMs)) return false;
    // It was this process that stood still: the answer may be there, unread.
    if (performance.now() - askedMs > answerMs + lateMs) return false;
    const waitedMs = lockWaitMs();
    if (pid() !== childPid || waitedMs < patienceMs + answerMs) return false;
    if (!stoodStill(before, activityOf(childPid))) return false;
    log.warn({ childPid, waitedMs: Math.round(waitedMs) }, 'bridge stands still and holds up writes: ended');
    end();
    return false;
  }
}
