import type { MemoryBudget, MemoryShare } from '../runtime/memory-budget.ts';
import type { TreeKey } from './environment.ts';

export interface LongReadOptions<E, T> {
  /** The entries in order, those behind a key where one is given. */
  readonly open: (after: TreeKey | undefined) => Iterator<E>;
  readonly keyOf: (entry: E) => TreeKey;
  /** What an entry gives; undefined where it gives nothing. */
  readonly take: (entry: E) => T | undefined;
  /** Where entries move while it is read; absent where each keeps its key. */
  readonly ahead: ReadAhead<T> | undefined;
}

/** Whoever has snapshots let go; told each time that one begins to be held, and that it ends to. */
export interface Watch {
  opened(holder: Holder): void;
  closed(holder: Holder): void;
}

/** Bounds of what is read ahead and held until somebody asks for it. */
export interface ReadAhead<T> {
  readonly bytesOf: (item: T) => number;
  readonly maxBytes: number;
  /** Of all that read ahead. */
  readonly budget: MemoryBudget;
}

/** Holds a snapshot, as long as its reader takes if nobody has it let go. */
export interface Holder {
  /** Reads on for a moment for the time after; false once there is nothing more to read on, or no room for it. */
  readOn(): boolean;
  /** Gives the snapshot up. */
  letGo(): void;
}

/** So many entries are read ahead in one go: a few milliseconds. */
const stretch = 1_000;

/**
 * A range of a tree, whose snapshot may be given up between any two items. Behind the entry where it stood it goes on in a
 * snapshot of then: an entry that keeps its key comes once, whatever is written, inserted and deleted meanwhile.
 *
 * Entries that move would come twice, or not at all. Of those the rest is read ahead in the old snapshot, as far as there
 * is room for it, as if the snapshot were kept; only behind that it goes on in another.
 */
export class LongRead<E, T> implements IterableIterator<T, undefined>, Holder {
  readonly #options: LongReadOptions<E, T>;
  readonly #watch: Watch;
  #cursor: Iterator<E> | undefined;
  #last: E | undefined;
  #isAtEnd = false;
  #ahead: T[] = [];
  #aheadTaken = 0;
  #aheadBytes = 0;
  #share: MemoryShare | undefined;
  /** What reading ahead has met: its reader is told behind what was read before. */
  #failed: { readonly error: unknown } | undefined;

  constructor(options: LongReadOptions<E, T>, watch: Watch) {
    this.#options = options;
    this.#watch = watch;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<T, undefined> {
    if (this.#ahead.length > 0) return { done: false, value: this.#takeAhead() };
    try {
      if (this.#failed) throw this.#failed.error;
      const { take } = this.#options;
      for (let entry = this.#step(); entry !== undefined; entry = this.#step()) {
        const value = take(entry);
        if (value !== undefined) return { done: false, value };
      }
      return { done: true, value: undefined };
    } catch (error) {
      this.return();
      throw error;
    }
  }

  return(): IteratorResult<T, undefined> {
    this.#isAtEnd = true;
    this.#failed = undefined;
    this.#forgetAhead();
    this.letGo();
    return { done: true, value: undefined };
  }

  readOn(): boolean {
    const { ahead } = this.#options;
    if (ahead === undefined || this.#cursor === undefined) return false;
    try {
      return this.#readAhead(ahead);
    } catch (error) {
      this.#failed = { error };
      return false;
    }
  }

  letGo(): void {
    const cursor = this.#cursor;
    if (cursor === undefined) return;
    this.#cursor = undefined;
    this.#watch.closed(this);
    cursor.return?.();
  }

  #step(): E | undefined {
    if (this.#isAtEnd) return undefined;
    const { done, value } = (this.#cursor ??= this.#open()).next();
    if (done !== true) return (this.#last = value);
    this.#isAtEnd = true;
    this.letGo();
    return undefined;
  }

  #open(): Iterator<E> {
    const { open, keyOf } = this.#options;
    const cursor = open(this.#last === undefined ? undefined : keyOf(this.#last));
    this.#watch.opened(this);
    return cursor;
  }

  #readAhead({ bytesOf, maxBytes, budget }: ReadAhead<T>): boolean {
    const { take } = this.#options;
    for (let left = stretch; left > 0; left -= 1) {
      const entry = this.#step();
      if (entry === undefined) return false;
      const item = take(entry);
      if (item === undefined) continue;
      this.#ahead.push(item);
      this.#aheadBytes += bytesOf(item);
    }
    this.#share ??= budget.share();
    return this.#share.hold(this.#aheadBytes) && this.#aheadBytes < maxBytes;
  }

  #takeAhead(): T {
    const item = this.#ahead[this.#aheadTaken] as T;
    this.#aheadTaken += 1;
    if (this.#aheadTaken === this.#ahead.length) this.#forgetAhead();
    return item;
  }

  #forgetAhead(): void {
    this.#ahead = [];
    this.#aheadTaken = 0;
    this.#aheadBytes = 0;
    this.#share?.[Symbol.dispose]();
  }
}
