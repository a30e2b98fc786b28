import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { MemoryBudget, MemoryShare } from '../../runtime/memory-budget.ts';
import { heldBytes } from './held-bytes.ts';
import type { IndexValue } from './search-source.ts';
import { sortWithPauses } from './sort-with-pauses.ts';

/** A document with the values that decide its place. */
export interface Ranked {
  readonly document: Document;
  readonly values: readonly IndexValue[];
}

/** What the wanted documents may hold, about. */
export const maxSortedBytes = 64 * 1024 * 1024;

/** What is told to the budget of all sorts is told again after so much more. */
const noticedBytes = 256 * 1024;

/**
 * Collects documents and gives the first `keep` of them in order; holds never more than twice as many, nor more than
 * twice {@link maxSortedBytes}. Sorting pauses, as reading does.
 */
export class TopDocuments implements Disposable {
  readonly #compare: (a: Ranked, b: Ranked) => number;
  readonly #keep: number;
  readonly #share: MemoryShare;
  #held: Ranked[] = [];
  #bytes = 0;
  #toldBytes = 0;
  /** The last of the first `keep` when they were last cut; what comes after it is not wanted. */
  #last: Ranked | undefined;

  /** @param budget of all sorts */
  constructor(compare: (a: Ranked, b: Ranked) => number, keep: number, budget: MemoryBudget) {
    this.#compare = compare;
    this.#keep = keep;
    this.#share = budget.share();
  }

  /** Pauses now and then. @throws CodedError `too_large`; `unavailable` while other sorts hold too much */
  *add(ranked: Ranked): Generator<undefined, void> {
    if (this.#last !== undefined && this.#compare(ranked, this.#last) >= 0) return;
    this.#held.push(ranked);
    this.#bytes += heldBytes(ranked);
    const count = this.#held.length;
    if (count >= 2 * this.#keep || this.#bytes > 2 * maxSortedBytes) yield* this.#cut();
    if (count <= this.#keep) this.#checkBytes();
    if (this.#bytes - this.#toldBytes > noticedBytes) this.#tell();
  }

  /** Gives what was kept, in order, and begins anew; undefined for a pause. @throws CodedError `too_large` */
  *drain(): Generator<Ranked | undefined, void> {
    yield* this.#cut();
    const kept = this.#held;
    this.#held = [];
    this.#bytes = 0;
    this.#last = undefined;
    yield* kept;
    this.#tell();
  }

  [Symbol.dispose](): void {
    this.#share[Symbol.dispose]();
  }

  *#cut(): Generator<undefined, void> {
    this.#held = yield* sortWithPauses(this.#held, this.#compare);
    if (this.#held.length < this.#keep) return;
    this.#held.length = this.#keep;
    this.#last = this.#held.at(-1);
    this.#bytes = this.#held.reduce((bytes, ranked) => bytes + heldBytes(ranked), 0);
    this.#checkBytes();
    this.#tell();
  }

  #tell(): void {
    this.#toldBytes = this.#bytes;
    if (!this.#share.hold(this.#bytes))
      throw new CodedError('unavailable', 'Too many large searches are being sorted at once, try again');
  }

  #checkBytes(): void {
    if (this.#bytes > maxSortedBytes)
      throw new CodedError(
        'too_large',
        `The search would sort more than ${maxSortedBytes} bytes of records in memory: ` +
          `set a limit, ask for pages with a cursor, or index the attribute that comes first in the order`,
      );
  }
}
