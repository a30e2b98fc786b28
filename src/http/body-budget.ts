import { CodedError } from '../model/errors.ts';

/** What all requests together may hold of bodies that are larger than {@link freeBytes}. */
const maxHeldBytes = 256 * 1024 * 1024;

/** A body of so much is always taken: whoever has large ones under way does not shut out the others. */
const freeBytes = 256 * 1024;

/** The bodies of one server that have come and are not answered yet. Each may be as large as a body may be, alone. */
export class BodyBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes = maxHeldBytes) {
    this.#maxBytes = maxBytes;
  }

  hold(): HeldBody {
    let own = 0;
    return {
      add: (bytes) => {
        own += bytes;
        this.#heldBytes += bytes;
        const others = this.#heldBytes - own;
        if (own > freeBytes && others > 0 && this.#heldBytes > this.#maxBytes)
          throw new CodedError('unavailable', 'Too many large requests at once, try again');
      },
      [Symbol.dispose]: () => {
        this.#heldBytes -= own;
        own = 0;
      },
    };
  }
}

/** One body in a budget, until it is disposed of. */
export interface HeldBody extends Disposable {
  /** @throws CodedError `unavailable` when there is no room for so many bytes more */
  add(bytes: number): void;
}
