import { backoffMs } from '../../src/runtime/backoff.ts';
import type { Loop, RunLoopOptions } from '../../src/runtime/run-loop.ts';

export interface LoopHost {
  after(delayMs: number, run: () => void): () => void;
  /** How long the event loop is busy with others before the next turn. */
  turnMs(): number;
  /** At least 0, below 1. */
  chance(): number;
  /** A body failed; it is tried again. */
  failed(name: string, error: unknown): void;
}

/** What `RunLoop` is in real time: the same order of bodies, wakes, idle times and back-offs, in virtual time. */
export class SimulatedLoop implements Loop {
  readonly #options: RunLoopOptions;
  readonly #host: LoopHost;
  readonly #stop = new AbortController();
  #isStarted = false;
  #isWoken = false;
  #running: Promise<void> | undefined;
  #failures = 0;
  #cancelIdle: (() => void) | undefined;

  constructor(options: RunLoopOptions, host: LoopHost) {
    this.#options = options;
    this.#host = host;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#soon();
  }

  wake(): void {
    this.#isWoken = true;
    if (!this.#cancelIdle) return;
    this.#cancelIdle();
    this.#cancelIdle = undefined;
    this.#soon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    await this.#running;
  }

  #soon(): void {
    this.#host.after(this.#host.turnMs(), () => {
      if (!this.#stop.signal.aborted) this.#running = this.#body();
    });
  }

  async #body(): Promise<void> {
    const { body, onError, idleMs, backoff, name } = this.#options;
    this.#isWoken = false;
    try {
      const hasMore = await body(this.#stop.signal);
      this.#failures = 0;
      if (this.#stop.signal.aborted) return;
      if (hasMore || this.#isWoken) this.#soon();
      else this.#idle(idleMs);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#failures += 1;
      this.#host.failed(name, error);
      onError?.(error);
      const { minMs, maxMs } = backoff ?? { minMs: 100, maxMs: 5_000 };
      this.#host.after(
        backoffMs(this.#failures, { minMs, maxMs }, () => this.#host.chance()),
        () => {
          if (!this.#stop.signal.aborted) this.#running = this.#body();
        },
      );
    }
  }

  #idle(idleMs: number): void {
    this.#cancelIdle = this.#host.after(idleMs, () => {
      this.#cancelIdle = undefined;
      this.#soon();
    });
  }
}
