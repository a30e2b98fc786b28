import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Later } from '../../src/runtime/later.ts';

/** Time of a store that goes on when the test says so. */
export class Time {
  #due: (() => void)[] = [];

  readonly later: Later = (_delayMs, call) => {
    this.#due.push(call);
    return () => (this.#due = this.#due.filter((one) => one !== call));
  };

  /** Until whoever reads has let go of the snapshot that it holds now. */
  async pass(): Promise<void> {
    for (let look = 0; look < 2; look += 1) {
      const due = this.#due;
      this.#due = [];
      for (const call of due) call();
      // What is read ahead takes turns.
      for (let turn = 0; turn < 4; turn += 1) await nextTurn();
    }
  }
}
