import type { ChildProcess } from 'node:child_process';
import { backoffMs, isLogged, type BackoffBounds } from './backoff.ts';
import type { Logger } from './logger.ts';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why the program could not be started at all. */
  readonly error?: string;
}

export type ProcessState =
  | { readonly kind: 'running'; readonly pid: number; readonly sinceMs: number }
  | { readonly kind: 'restarting'; readonly atMs: number; readonly lastExit: ProcessExit }
  | { readonly kind: 'stopped' };

export interface SupervisedProcessOptions {
  readonly name: string;
  /** Starts the program: `child_process.spawn`, or `fork` for one that is spoken to over IPC. */
  readonly spawn: () => ChildProcess;
  readonly log: Logger;
  /** Called with every new child, before its first event can arrive. Must not throw. */
  readonly onStart?: (child: ChildProcess) => void;
  /** Called when a child is gone, also one that was stopped on purpose. Must not throw. */
  readonly onExit?: (code: number | null, signal: NodeJS.Signals | null) => void;
  /** From SIGTERM to SIGKILL; 8 s. */
  readonly stopTimeoutMs?: number;
  readonly backoff?: BackoffBounds;
  /** A child that ran this long has recovered: the next exit backs off from the beginning again; 10 s. */
  readonly recoveredAfterMs?: number;
}

const defaultBackoff: BackoffBounds = { minMs: 100, maxMs: 5_000 };
const defaultRecoveredAfterMs = 10_000;

/**
 * Keeps one child process alive: whenever it exits, however, it is started again, later and later. What lasts is logged
 * as {@link isLogged} says, and that the child runs again once.
 *
 * At most one child exists at any moment. A child does not outlive {@link SupervisedProcess.[Symbol.asyncDispose]},
 * but does outlive a SIGKILL of this process, unless it watches its IPC channel or standard input.
 */
export class SupervisedProcess implements AsyncDisposable {
  readonly #options: SupervisedProcessOptions;
  #state: ProcessState = { kind: 'stopped' };
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStarted = false;
  #isDisposed = false;
  #isRestartWanted = false;

  constructor(options: SupervisedProcessOptions) {
    this.#options = options;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Starts the first child; starting twice is starting once. */
  start(): void {
    if (this.#isStarted || this.#isDisposed) return;
    this.#isStarted = true;
    this.#spawn();
  }

  /** False when no child is running. */
  sendSignal(signal: NodeJS.Signals): boolean {
    return this.#child?.kill(signal) ?? false;
  }

  /** Ends the child, if one runs, and starts another at once, without back-off; resolves when it has started. */
  async restart(): Promise<void> {
    if (!this.#isStarted || this.#isDisposed) return;
    this.#failures = 0;
    if (!this.#child) {
      clearTimeout(this.#timer);
      this.#spawn();
      return;
    }
    this.#isRestartWanted = true;
    await this.#end(this.#child);
  }

  /** SIGTERM, then SIGKILL after `stopTimeoutMs`; resolves when the child is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    if (this.#child) await this.#end(this.#child);
    this.#state = { kind: 'stopped' };
  }

  #spawn(): void {
    const { name, spawn, log, onStart, recoveredAfterMs = defaultRecoveredAfterMs } = this.#options;
    let child: ChildProcess;
    try {
      child = spawn();
    } catch (error) {
      this.#ended({ code: null, signal: null, error: messageOf(error) });
      return;
    }
    // Also told of failed kills and sends; only a child that never got a number has no 'exit' event.
    child.on('error', (error) => {
      if (child.pid === undefined) this.#ended({ code: null, signal: null, error: messageOf(error) });
      else log.debug({ err: error, process: name }, 'child process error');
    });
    if (child.pid === undefined) return;

    const recovery = setTimeout(() => this.#recovered(), recoveredAfterMs);
    this.#child = child;
    this.#state = { kind: 'running', pid: child.pid, sinceMs: Date.now() };
    this.#gone = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        clearTimeout(recovery);
        this.#ended({ code, signal });
        resolve();
      });
    });
    const failures = this.#failures;
    if (failures === 0 || isLogged(failures))
      log.info(
        { process: name, childPid: child.pid, ...(failures > 0 && { failures }) },
        'child process started',
      );
    onStart?.(child);
  }

  #recovered(): void {
    const { name, log } = this.#options;
    const failures = this.#failures;
    if (failures > 0)
      log.info({ process: name, childPid: this.#child?.pid, failures }, 'child process runs again');
    this.#failures = 0;
  }

  #ended(exit: ProcessExit): void {
    const { name, log, onExit, backoff = defaultBackoff } = this.#options;
    if (this.#isDisposed) {
      this.#state = { kind: 'stopped' };
      onExit?.(exit.code, exit.signal);
      return;
    }
    const isRestartWanted = this.#isRestartWanted;
    this.#isRestartWanted = false;
    if (!isRestartWanted) this.#failures += 1;
    const delayMs = isRestartWanted ? 0 : Math.max(backoff.minMs, backoffMs(this.#failures, backoff));
    this.#state = { kind: 'restarting', atMs: Date.now() + delayMs, lastExit: exit };
    const failures = this.#failures;
    if (!isRestartWanted && isLogged(failures))
      log.warn({ process: name, ...exit, failures, restartMs: Math.round(delayMs) }, 'child process exited');
    onExit?.(exit.code, exit.signal);
    // onExit may have called restart() itself.
    if (this.#state.kind !== 'restarting') return;
    if (isRestartWanted) this.#spawn();
    else this.#timer = setTimeout(() => this.#spawn(), delayMs);
  }

  async #end(child: ChildProcess): Promise<void> {
    child.kill('SIGTERM');
    const killer = setTimeout(() => {
      this.#options.log.warn({ process: this.#options.name, childPid: child.pid }, 'child process killed');
      child.kill('SIGKILL');
    }, this.#options.stopTimeoutMs ?? 8_000);
    await this.#gone;
    clearTimeout(killer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
