import { setImmediate as nextTurn } from 'node:timers/promises';
import { backoffMs, isLogged, type BackoffBounds } from './backoff.ts';
import { deferred } from './deferred.ts';
import type { Logger } from './logger.ts';
import { RareLines } from './rare-lines.ts';

export interface RunLoopOptions {
  readonly name: string;
  /**
   * Does one unit of work; resolves to true when there may be more to do at once.
   *
   * Should end soon after `signal` aborts. Must not dispose its own loop: that waits for the body.
   */
  readonly body: (signal: AbortSignal) => Promise<boolean>;
  /** An idle loop looks again after this time, so that a lost wake costs latency and nothing else. */
  readonly idleMs: number;
  readonly log: Logger;
  readonly backoff?: BackoffBounds;
  /** Told of every failure, before the back-off. Must not throw. */
  readonly onError?: (error: unknown) => void;
}

/** Runs a body again and again from `start` until it is disposed; `wake` ends its idle waiting. */
export interface Loop extends AsyncDisposable {
  start(): void;
  wake(): void;
}

/** How a service gets its loop: {@link runLoop} in production; the simulator steps the body itself. */
export type MakeLoop = (options: RunLoopOptions) => Loop;

export const runLoop: MakeLoop = (options) => new RunLoop(options);

const defaultBackoff: BackoffBounds = { minMs: 100, maxMs: 5_000 };

/**
 * Runs a body again and again until disposed.
 *
 * The loop owns stopping, waiting and backing off; the body does neither. Bodies never overlap, and between
 * two of them the event loop always gets a turn, so a body that is always busy cannot keep timers, sockets and
 * signals from being served. A body that throws is tried again, later and later. A failure that lasts is logged the
 * first, second, fourth, eighth time and so on, and of failures that come and go a few in a minute: a peer that is away for
 * weeks must not fill the log, nor one that answers every other time.
 */
export class RunLoop implements Loop {
  readonly #options: RunLoopOptions;
  readonly #stop = new AbortController();
  readonly #failed: RareLines;
  readonly #recovered: RareLines;
  #running: Promise<void> | undefined;
  #isWoken = false;
  #endIdle: (() => void) | undefined;

  constructor(options: RunLoopOptions) {
    this.#options = options;
    const lines = { log: options.log, field: 'loop' };
    this.#failed = new RareLines({ ...lines, level: 'warn', message: 'loop body failed' });
    this.#recovered = new RareLines({ ...lines, level: 'info', message: 'loop goes on' });
  }

  /** Begins with a first body at once. Starting twice is starting once; a disposed loop stays stopped. */
  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Ends idle waiting. A wake during a body is kept: the body runs once more.
   *
   * Does not shorten a back-off; the body that follows it serves the wake.
   */
  wake(): void {
    this.#isWoken = true;
    this.#endIdle?.();
  }

  /** Aborts the signal of the running body, and resolves when that body has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { name, body, idleMs, onError, backoff = defaultBackoff } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      // Before the body reads anything: a wake after this line is about work that the body may have missed.
      this.#isWoken = false;
      let hasMore = false;
      try {
        hasMore = await body(signal);
        if (failures > 0) this.#recovered.write(name, { failures });
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const retryMs = backoffMs(failures, backoff);
        if (isLogged(failures))
          this.#failed.write(name, { err: error, failures, retryMs: Math.round(retryMs) });
        onError?.(error);
        await waitMs(retryMs, signal);
        continue;
      }
      await nextTurn();
      if (!hasMore) await this.#idle(idleMs, signal);
    }
  }

  async #idle(idleMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isWoken) return;
    await waitMs(idleMs, signal, (end) => (this.#endIdle = end));
    this.#endIdle = undefined;
  }
}

/** Resolves after the time, on abort, or when the function given to `onWait` is called; never rejects. */
async function waitMs(
  delayMs: number,
  signal: AbortSignal,
  onWait?: (end: () => void) => void,
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = deferred<void>();
  const end = (): void => resolve();
  const timer = setTimeout(end, delayMs);
  signal.addEventListener('abort', end, { once: true });
  onWait?.(end);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}
