export interface MemoryBudgetOptions {
  /** What those may hold together who hold more than is free; whoever is alone with it may hold any amount. */
  readonly maxBytes: number;
  /** What each may hold whatever the others do: who holds much does not shut out those who hold little. */
  readonly freeBytes: number;
}

/** Bounds what many hold at once of what each of them may hold by itself. Counts only, and allocates nothing. */
export class MemoryBudget {
  readonly #options: MemoryBudgetOptions;
  /** Of those that hold more than is free. */
  #heldBytes = 0;

  constructor(options: MemoryBudgetOptions) {
    this.#options = options;
  }

  /** For one holder; gives everything back when it is disposed of. */
  share(): MemoryShare {
    const { maxBytes, freeBytes } = this.#options;
    let counted = 0;
    const hold = (bytes: number): boolean => {
      const own = bytes > freeBytes ? bytes : 0;
      this.#heldBytes += own - counted;
      counted = own;
      const isAlone = this.#heldBytes === own;
      return own === 0 || isAlone || this.#heldBytes <= maxBytes;
    };
    return { hold, [Symbol.dispose]: () => void hold(0) };
  }
}

export interface MemoryShare extends Disposable {
  /** Says how much is held now; false: there is no room for it, and it must be let go. */
  hold(bytes: number): boolean;
}
