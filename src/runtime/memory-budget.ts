export interface MemoryBudgetOptions {
  /** What all may hold together; whoever is alone may hold more. */
  readonly maxBytes: number;
  /** What each may hold whatever the others do: who holds much does not shut out those who hold little. */
  readonly freeBytes: number;
}

/** Bounds what many hold at once of what each of them may hold by itself. Counts only, and allocates nothing. */
export class MemoryBudget {
  readonly #options: MemoryBudgetOptions;
  #heldBytes = 0;

  constructor(options: MemoryBudgetOptions) {
    this.#options = options;
  }

  /** For one holder; gives everything back when it is disposed of. */
  share(): MemoryShare {
    let own = 0;
    const hold = (bytes: number): boolean => {
      this.#heldBytes += bytes - own;
      own = bytes;
      const { maxBytes, freeBytes } = this.#options;
      const isAlone = this.#heldBytes === own;
      return own <= freeBytes || isAlone || this.#heldBytes <= maxBytes;
    };
    return { hold, [Symbol.dispose]: () => void hold(0) };
  }
}

export interface MemoryShare extends Disposable {
  /** Says how much is held now; false: there is no room for it, and it must be let go. */
  hold(bytes: number): boolean;
}
