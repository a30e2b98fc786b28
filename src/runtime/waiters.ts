import type { Later } from './later.ts';

/** Who waits until somebody says that there is something to look at, or for so long at most. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  get count(): number {
    return this.#waiting.size;
  }

  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async wait(later: Later, limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const cancel = later(limitMs, wake);
      this.#waiting.add(wake);
    });
  }
}
