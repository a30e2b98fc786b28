import { toBufferKey } from 'ordered-binary';
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

/** A tree in memory: keys as LMDB orders them, as strings of single bytes. */
class MemoryTree implements Tree {
  readonly name: TreeName;
  #order: string[];
  readonly #entries: Map<string, Entry>;
  /** Of the commit that is under way. */
  #journal: { readonly sorted: string; readonly write: TreeWrite }[] | undefined;

  constructor(name: TreeName, copied?: MemoryTree) {
    this.name = name;
    this.#order = copied ? [...copied.#order] : [];
    this.#entries = new Map(copied ? copied.#entries : []);
  }

  begin(): void {
    this.#journal = [];
  }

  /** Ends the commit: what it wrote stays, or goes. */
  end(isKept: boolean): readonly TreeWrite[] {
    const journal = this.#journal ?? [];
    this.#journal = undefined;
    if (isKept) return journal.map(({ write }) => write);
    for (const { sorted, write } of journal.toReversed()) this.#set(sorted, write.key, write.before);
    return [];
  }

  get(key: TreeKey): Buffer | undefined {
    return this.#entries.get(sortable(key))?.value;
  }

  putSync(key: TreeKey, value: Buffer): void {
    this.#write(key, value);
  }

  removeSync(key: TreeKey): boolean {
    return this.#write(key, undefined);
  }

  getRange(range: TreeRange): Iterable<Entry> {
    return this.#keysIn(range).flatMap((sorted) => this.#entries.get(sorted) ?? []);
  }

  getKeys(range: TreeRange): Iterable<TreeKey> {
    return [...this.getRange(range)].map(({ key }) => key);
  }

  getKeysCount(range: TreeRange): number {
    return this.#keysIn(range).length;
  }

  #keysIn({ start, end, reverse, limit, exclusiveStart }: TreeRange): string[] {
    const [low, high] = reverse === true ? [end, start] : [start, end];
    const from = low === undefined ? 0 : this.#place(sortable(low), !reverse && exclusiveStart === true);
    const to = high === undefined ? this.#order.length : this.#place(sortable(high), false);
    const keys = this.#order.slice(from, Math.max(from, to));
    if (reverse === true) keys.reverse();
    return limit === undefined ? keys : keys.slice(0, limit);
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
    if (!this.#journal) throw new Error(`A write to ${this.name} outside a commit`);
    const sorted = sortable(key);
    const before = this.#entries.get(sorted)?.value;
    if (before === undefined && value === undefined) return false;
    this.#journal.push({ sorted, write: { tree: this.name, key, before, after: value } });
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

  constructor(inode: number, copied?: MemoryDisk) {
    this.inode = inode;
    this.trees = eachTree((name) => new MemoryTree(name, copied?.trees[name]));
  }

  /** A backup, a clone, or what was on disk at that moment. */
  copy(inode: number): MemoryDisk {
    return new MemoryDisk(inode, this);
  }
}

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

  async commit<T>(body: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#control.schedule(() => {
        if (this.#control.isDead()) return;
        let result: { readonly value: T } | undefined;
        let failure: unknown;
        for (const name of treeNames) this.#disk.trees[name].begin();
        try {
          result = { value: body() };
        } catch (error) {
          failure = error;
        }
        const isKept = result !== undefined;
        const writes = treeNames.flatMap((name) => this.#disk.trees[name].end(isKept));
        if (!result) {
          for (const forget of this.#onAbort) forget();
          reject(failure instanceof Error ? failure : new Error(String(failure)));
          return;
        }
        this.#control.committed(writes);
        if (!this.#control.isDead()) resolve(result.value);
      });
    });
  }

  checkReaders(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

function sortable(key: TreeKey): string {
  return toBufferKey(key).toString('latin1');
}
