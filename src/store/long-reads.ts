import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Key } from '../model/change.ts';
import type { Later } from '../runtime/later.ts';
import { MemoryBudget } from '../runtime/memory-budget.ts';
import type { Tree, TreeKey, TreeRange } from './environment.ts';
import { LongRead, type Holder, type ReadAhead, type Watch } from './long-read.ts';
import { heldBytes } from './search/held-bytes.ts';

/** Without a limit: it would begin anew with the snapshot. */
export type LongRange = Omit<TreeRange, 'limit'>;

export interface KeyRange {
  readonly tree: Tree;
  readonly range: LongRange;
  readonly take: (entry: TreeKey) => Key | undefined;
  /** An entry as it was written, where it is read as another. */
  readonly written: (entry: TreeKey) => TreeKey;
  readonly move: boolean;
  /** Throws where the entries are being taken away: what is left of them must not look like all. */
  readonly check: () => void;
}

type Entry = ReturnType<Tree['getRange']> extends Iterable<infer E> ? E : never;

/** A snapshot is held for once to twice as long. */
const holdMs = 1_000;

/** What the keys that one read, and all together, hold ahead may take. */
const maxAheadBytes = 32 * 1024 * 1024;
const allAhead = { maxBytes: 4 * maxAheadBytes, freeBytes: 256 * 1024 };

/**
 * Reads for those who may take their time, such as clients at the end of a slow line. While a snapshot is held no page of
 * the store that commits replace is used again, and one of the few slots for readers is taken: so each of these reads
 * gives its snapshot up after a second or two, whether its reader waits or works, and goes on with a new one.
 */
export class LongReads implements Disposable, Watch {
  readonly #later: Later;
  readonly #ahead: ReadAhead<Key> = {
    bytesOf: heldBytes,
    maxBytes: maxAheadBytes,
    budget: new MemoryBudget(allAhead),
  };
  /** Those that hold a snapshot, and how often was looked before they began to. */
  readonly #holders = new Map<Holder, number>();
  #looks = 0;
  /** Those that are to give theirs up; they take turns. */
  readonly #due = new Set<Holder>();
  #isLettingGo = false;
  #cancelLook: (() => void) | undefined;

  constructor(later: Later) {
    this.#later = later;
  }

  /** Entries that keep their keys. */
  entries<T>(tree: Tree, range: LongRange, take: (entry: Entry) => T | undefined): Iterable<T> {
    const open = (after: TreeKey | undefined): Iterator<Entry> =>
      tree.getRange(behind(range, after))[Symbol.iterator]();
    return new LongRead({ open, keyOf: ({ key }) => key, take, ahead: undefined }, this);
  }

  /** Keys of records that the entries of an index have. Those of the primary key stay; others move with what is written. */
  keys({ tree, range, take, written, move, check }: KeyRange): Iterable<Key> {
    const open = (after: TreeKey | undefined): Iterator<TreeKey> => {
      if (after !== undefined) check();
      return tree.getKeys(behind(range, after))[Symbol.iterator]();
    };
    return new LongRead({ open, keyOf: written, take, ahead: move ? this.#ahead : undefined }, this);
  }

  opened(holder: Holder): void {
    this.#holders.set(holder, this.#looks);
    this.#cancelLook ??= this.#later(holdMs, this.#look);
  }

  closed(holder: Holder): void {
    this.#holders.delete(holder);
  }

  [Symbol.dispose](): void {
    this.#cancelLook?.();
    for (const holder of this.#holders.keys()) holder.letGo();
  }

  readonly #look = (): void => {
    this.#cancelLook = this.#holders.size > 0 ? this.#later(holdMs, this.#look) : undefined;
    for (const [holder, looks] of this.#holders) if (looks < this.#looks) this.#due.add(holder);
    this.#looks += 1;
    if (!this.#isLettingGo) void this.#letGo();
  };

  /** Those that have nothing to read on do not wait for those that have much, whenever they come to be due. */
  async #letGo(): Promise<void> {
    this.#isLettingGo = true;
    for (const holder of this.#due) {
      this.#due.delete(holder);
      if (holder.readOn()) {
        this.#due.add(holder);
        await nextTurn();
      } else holder.letGo();
    }
    this.#isLettingGo = false;
  }
}

function behind(range: LongRange, after: TreeKey | undefined): LongRange {
  return after === undefined ? range : { ...range, start: after, exclusiveStart: true };
}
