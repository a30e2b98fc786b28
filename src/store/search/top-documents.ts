import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import { heldBytes } from './held-bytes.ts';
import type { IndexValue } from './search-source.ts';

/** A document with the values that decide its place. */
export interface Ranked {
  readonly document: Document;
  readonly values: readonly IndexValue[];
}

/** What the wanted documents may hold, about. */
export const maxSortedBytes = 64 * 1024 * 1024;

/**
 * Collects documents and gives the first `keep` of them in order; holds never more than twice as many, nor more than
 * twice {@link maxSortedBytes}.
 */
export class TopDocuments {
  readonly #compare: (a: Ranked, b: Ranked) => number;
  readonly #keep: number;
  #held: Ranked[] = [];
  #bytes = 0;
  /** The last of the first `keep` when they were last cut; what comes after it is not wanted. */
  #last: Ranked | undefined;

  constructor(compare: (a: Ranked, b: Ranked) => number, keep: number) {
    this.#compare = compare;
    this.#keep = keep;
  }

  /** @throws CodedError `too_large` */
  add(ranked: Ranked): void {
    if (this.#last !== undefined && this.#compare(ranked, this.#last) >= 0) return;
    this.#held.push(ranked);
    this.#bytes += heldBytes(ranked);
    const count = this.#held.length;
    if (count >= 2 * this.#keep || this.#bytes > 2 * maxSortedBytes) this.#cut();
    if (count <= this.#keep) this.#checkBytes();
  }

  /** Gives what was kept, in order, and begins anew. @throws CodedError `too_large` */
  drain(): readonly Ranked[] {
    this.#cut();
    const kept = this.#held;
    this.#held = [];
    this.#bytes = 0;
    this.#last = undefined;
    return kept;
  }

  #cut(): void {
    this.#held.sort(this.#compare);
    if (this.#held.length < this.#keep) return;
    this.#held.length = this.#keep;
    this.#last = this.#held.at(-1);
    this.#bytes = this.#held.reduce((bytes, ranked) => bytes + heldBytes(ranked), 0);
    this.#checkBytes();
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
