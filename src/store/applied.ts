import type { Later } from '../runtime/later.ts';

/** Tells who waits for something of a peer that something was applied. */
export class Applied {
  readonly #waiting = new Set<() => void>();

  notify(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when something was applied, or after so long. */
  async soon(later: Later, limitMs: number): Promise<void> {
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
