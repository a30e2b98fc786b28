import type { Document } from '../../model/change.ts';
import type { IndexValue } from './search-source.ts';

/** A document with the values that decide its place. */
export interface Ranked {
  readonly document: Document;
  readonly values: readonly IndexValue[];
}

/** Collects documents and gives the first `keep` of them in order; holds never more than twice as many. */
export class TopDocuments {
  readonly #compare: (a: Ranked, b: Ranked) => number;
  readonly #keep: number;
  #held: Ranked[] = [];
  /** The last of the first `keep` when they were last cut; what comes after it is not wanted. */
  #last: Ranked | undefined;

  constructor(compare: (a: Ranked, b: Ranked) => number, keep: number) {
    this.#compare = compare;
    this.#keep = keep;
  }

  add(ranked: Ranked): void {
    if (this.#last !== undefined && this.#compare(ranked, this.#last) >= 0) return;
    this.#held.push(ranked);
    if (this.#held.length >= 2 * this.#keep) this.#cut();
  }

  /** Gives what was kept, in order, and begins anew. */
  drain(): readonly Ranked[] {
    this.#cut();
    const kept = this.#held;
    this.#held = [];
    this.#last = undefined;
    return kept;
  }

  #cut(): void {
    this.#held.sort(this.#compare);
    if (this.#held.length < this.#keep) return;
    this.#held.length = this.#keep;
    this.#last = this.#held.at(-1);
  }
}
