import {
  eachTree,
  treeNames,
  type Environment,
  type Tree,
  type TreeKey,
  type TreeName,
  type TreeRange,
  type Trees,
} from '../../src/store/environment.ts';
import { sortable } from './sortable-key.ts';

/** One change of one key by a commit. */
export interface TreeWrite {
  readonly tree: TreeName;
  readonly key: TreeKey;
  readonly before: Buffer | undefined;
  readonly after: Buffer | undefined;
}

interface Entry {
  readonly key: TreeKey;
  readonly value: Buffer;
}

/** What the commit that is under way has written so far, to all trees of a disk. */
class Journal {
  #steps: { readonly sorted: string; readonly write: TreeWrite }[] | undefined;

  begin(): void {
    this.#steps = [];
  }

  get isOpen(): boolean {
    return this.#steps !== undefined;
  }

  note(sorted: string, write: TreeWrite): void {
    this.#steps?.push({ sorted, write });
  }

  /** Ends the commit: all that it wrote, in order. */
  end(): readonly { readonly sorted: string; readonly write: TreeWrite }[] {
    const steps = this.#steps ?? [];
    this.#steps = undefined;
    return steps;
  }
}

/** A tree in memory: keys as LMDB orders them, as strings of single bytes. */
class MemoryTree implements Tree {
  readonly name: TreeName;
  readonly #journal: Journal;
  readonly #order: string[];
  readonly #entries: Map<string, Entry>;

  constructor(name: TreeName, journal: Journal, copied?: MemoryTree) {
    this.name = name;
    this.#journal = journal;
    this.#order = copied ? [...copied.#order] : [];
    this.#entries = new Map(copied ? copied.#entries : []);
  }

  get(key: TreeKey): Buffer | undefined {
    return this.#entries.get(sortable(key))?.value;
  }

  putSync(key: TreeKey, value: Buffer): void {
    this.#write(key, value);
  }

  addSync(key: TreeKey, value: Buffer): boolean {
    if (this.get(key)) return false;
    this.#write(key, value);
    return true;
  }

  removeSync(key: TreeKey): boolean {
    return this.#write(key, undefined);
  }

  /** Takes back a write of the commit that is under way, the newest first. */
  undo(sorted: string, { key, before }: TreeWrite): void {
    this.#set(sorted, key, before);
  }

  getRange(range: TreeRange): Iterable<Entry> {
    const entries: Entry[] = [];
    for (const sorted of this.#keysIn(range)) {
      const entry = this.#entries.get(sorted);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  getKeys(range: TreeRange): Iterable<TreeKey> {
    return [...this.getRange(range)].map(({ key }) => key);
  }

  getKeysCount(range: TreeRange): number {
    return this.#keysIn(range).length;
  }

  #keysIn({ start, end, reverse, limit = Infinity, exclusiveStart, inclusiveEnd }: TreeRange): string[] {
    const [low, high] = reverse === true ? [end, start] : [start, end];
    const isLowOut = reverse === true ? inclusiveEnd !== true : exclusiveStart === true;
    const from = low === undefined ? 0 : this.#place(sortable(low), isLowOut);
    const to = high === undefined ? this.#order.length : this.#place(sortable(high), false);
    if (reverse !== true) return this.#order.slice(from, Math.max(from, Math.min(to, from + limit)));
    return this.#order.slice(Math.max(from, to - limit), Math.max(from, to)).reverse();
  }

  /** Index of the first key that is not below `sorted`, or that is above it. */
  #place(sorted: string, isAbove: boolean): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const key = this.#order[middle] ?? '';
      if (key < sorted || (isAbove && key === sorted)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #write(key: TreeKey, value: Buffer | undefined): boolean {
    if (!this.#journal.isOpen) throw new Error(`A write to ${this.name} outside a commit`);
    const sorted = sortable(key);
    const before = this.#entries.get(sorted)?.value;
    if (before === undefined && value === undefined) return false;
    this.#journal.note(sorted, { tree: this.name, key, before, after: value });
    this.#set(sorted, key, value);
    return true;
  }

  #set(sorted: string, key: TreeKey, value: Buffer | undefined): void {
    const isThere = this.#entries.has(sorted);
    if (value === undefined) {
      if (!isThere) return;
      this.#entries.delete(sorted);
      this.#order.splice(this.#place(sorted, false), 1);
      return;
    }
    this.#entries.set(sorted, { key, value });
    if (isThere) return;
    const last = this.#order.at(-1);
    if (last === undefined || last < sorted) this.#order.push(sorted);
    else this.#order.splice(this.#place(sorted, false), 0, sorted);
  }
}

/** What is on the disk of a node: survives every crash of what runs on it. */
export class MemoryDisk {
  readonly trees: Readonly<Record<TreeName, MemoryTree>>;
  readonly inode: number;
  readonly #journal = new Journal();

  constructor(inode: number, copied?: MemoryDisk) {
    this.inode = inode;
    this.trees = eachTree((name) => new MemoryTree(name, this.#journal, copied?.trees[name]));
  }

  begin(): void {
    this.#journal.begin();
  }

  /** What the commit wrote, tree by tree. */
  keep(): readonly TreeWrite[] {
    return this.#journal
      .end()
      .map(({ write }) => write)
      .toSorted((a, b) => treeOrder[a.tree] - treeOrder[b.tree]);
  }

  rollBack(): void {
    for (const { sorted, write } of this.#journal.end().toReversed())
      this.trees[write.tree].undo(sorted, write);
  }

  /** A backup, a clone, or what was on disk at that moment. */
  copy(inode: number): MemoryDisk {
    return new MemoryDisk(inode, this);
  }
}

const treeOrder = eachTree((name) => treeNames.indexOf(name));

export interface CommitControl {
  /** Runs a commit when the disk gets to it; never, when the node dies before. */
  schedule(run: () => void): void;
  /** What a commit has put on disk, before anybody is told. */
  committed(writes: readonly TreeWrite[]): void;
  /** The process that asked is gone: nobody may be told. */
  isDead(): boolean;
}

/** The environment of one life of a process over a disk that outlives it. */
export class MemoryEnvironment implements Environment {
  readonly trees: Trees;
  readonly #disk: MemoryDisk;
  readonly #control: CommitControl;
  readonly #onAbort: (() => void)[] = [];
  readonly #beforeEnd: (() => void)[] = [];

  constructor(disk: MemoryDisk, control: CommitControl) {
    this.#disk = disk;
    this.#control = control;
    this.trees = disk.trees;
  }

  get inode(): number {
    return this.#disk.inode;
  }

  get sizeBytes(): number {
    return 0;
  }

  onAbort(forget: () => void): void {
    this.#onAbort.push(forget);
  }

  beforeEnd(write: () => void): void {
    this.#beforeEnd.push(write);
  }

  async commit<T>(body: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#control.schedule(() => {
        if (this.#control.isDead()) return;
        let value: T;
        this.#disk.begin();
        try {
          value = body();
          for (const write of this.#beforeEnd) write();
        } catch (error) {
          this.#disk.rollBack();
          for (const forget of this.#onAbort) forget();
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        this.#control.committed(this.#disk.keep());
        if (!this.#control.isDead()) resolve(value);
      });
    });
  }

  checkReaders(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
