/** How long transactions of this process have stood in line for the writer's lock of the environment. */
export class LockWait {
  readonly #steadyMs: () => number;
  #inLine = 0;
  #lastMovedMs = 0;

  /** @param steadyMs a clock that nobody sets */
  constructor(steadyMs: () => number) {
    this.#steadyMs = steadyMs;
  }

  /** Since one of this process last began or ended, while others are in line; 0 when none is. */
  get ms(): number {
    return this.#inLine === 0 ? 0 : this.#steadyMs() - this.#lastMovedMs;
  }

  /** Runs one that calls `begun` when it has the lock. */
  async for<T>(transact: (begun: () => void) => Promise<T>): Promise<T> {
    if (this.#inLine === 0) this.#moved();
    this.#inLine += 1;
    let isInLine = true;
    const leave = (): void => {
      if (isInLine) this.#inLine -= 1;
      isInLine = false;
      this.#moved();
    };
    try {
      return await transact(leave);
    } finally {
      leave();
    }
  }

  #moved(): void {
    this.#lastMovedMs = this.#steadyMs();
  }
}
