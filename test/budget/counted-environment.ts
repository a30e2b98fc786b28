import { readFileSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import {
  eachTree,
  type Environment,
  type Tree,
  type TreeKey,
  type TreeName,
  type TreeRange,
  type Trees,
} from '../../src/store/environment.ts';
import type { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';

/**
 * What was done to a tree. `again` is under the same key within one transaction, `idle` puts what is there already,
 * `scanned` are the entries that ranges gave.
 */
export type TreeAct =
  'gets' | 'gets again' | 'scanned' | 'puts' | 'puts again' | 'idle puts' | 'put bytes' | 'removes';

/** `transactions` are LMDB's own, each with one flush; `commits` are what shared them. */
export type StoreAct = 'transactions' | 'commits' | 'written bytes' | `${TreeName} ${TreeAct}`;

export type StoreCounts = Partial<Record<StoreAct, number>>;

/** Entries that gets and ranges have given, and the bytes of their values. */
export interface StoreReads {
  readonly entries: number;
  readonly bytes: number;
}

/** A real environment that counts what is done to it. */
export class CountedEnvironment implements Environment {
  readonly trees: Trees;
  readonly #real: LmdbEnvironment;
  /** lmdb tells the number of its last transaction to whoever has the file open. */
  readonly #probe: RootDatabase;
  readonly #counts = new Map<StoreAct, number>();
  #reads: StoreReads = { entries: 0, bytes: 0 };
  /** What was done since the event loop last went on: within one transaction, however many requests share it. */
  #doneNow: Set<string> | undefined;

  constructor(real: LmdbEnvironment) {
    this.#real = real;
    this.#probe = open({ path: real.dataFile, noSubdir: true, overlappingSync: false, encoding: 'binary' });
    this.trees = eachTree((name) => this.#counted(name, real.trees[name]));
  }

  get inode(): number {
    return this.#real.inode;
  }

  get sizeBytes(): number {
    return this.#real.sizeBytes;
  }

  get marker(): LmdbEnvironment['marker'] {
    return this.#real.marker;
  }

  get backUp(): LmdbEnvironment['backUp'] {
    return this.#real.backUp;
  }

  /** What `body` does to the store. */
  async counting(body: () => Promise<unknown>): Promise<StoreCounts> {
    const transactionsBefore = this.#transactions;
    const writtenBefore = writtenBytes();
    this.#counts.clear();
    await body();
    this.#add('written bytes', writtenBytes() - writtenBefore);
    this.#add('transactions', this.#transactions - transactionsBefore);
    return Object.fromEntries(this.#counts);
  }

  /** What `body` reads of the store. */
  async reading(body: () => Promise<unknown>): Promise<StoreReads> {
    this.#reads = { entries: 0, bytes: 0 };
    await body();
    return this.#reads;
  }

  onAbort(forget: () => void): void {
    this.#real.onAbort(forget);
  }

  beforeEnd(write: () => void): void {
    this.#real.beforeEnd(write);
  }

  async commit<T>(body: () => T): Promise<T> {
    this.#add('commits', 1);
    return this.#real.commit(body);
  }

  checkReaders(): void {
    this.#real.checkReaders();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#probe.close();
    await this.#real[Symbol.asyncDispose]();
  }

  get #transactions(): number {
    return (this.#probe.getStats() as { readonly lastTxnId: number }).lastTxnId;
  }

  #add(act: StoreAct, count: number): void {
    this.#counts.set(act, (this.#counts.get(act) ?? 0) + count);
  }

  #read(value: Buffer | undefined): void {
    const { entries, bytes } = this.#reads;
    this.#reads = { entries: entries + 1, bytes: bytes + (value?.length ?? 0) };
  }

  #isAgain(deed: string): boolean {
    if (!this.#doneNow) {
      this.#doneNow = new Set();
      queueMicrotask(() => (this.#doneNow = undefined));
    }
    const isAgain = this.#doneNow.has(deed);
    this.#doneNow.add(deed);
    return isAgain;
  }

  #counted(name: TreeName, tree: Tree): Tree {
    const add = (act: TreeAct, count = 1): void => this.#add(`${name} ${act}`, count);
    const read = (value?: Buffer): void => this.#read(value);
    function* scanned<T>(entries: Iterable<T>, valueOf: (entry: T) => Buffer | undefined): Generator<T> {
      for (const entry of entries) {
        add('scanned');
        read(valueOf(entry));
        yield entry;
      }
    }
    const count = (act: 'get' | 'put', key: TreeKey, value?: Buffer): void => {
      add(`${act}s`);
      if (value) add('put bytes', value.length);
      if (this.#isAgain(`${act} ${name} ${JSON.stringify(key)}`)) add(`${act}s again`);
    };
    return {
      get: (key) => {
        count('get', key);
        const value = tree.get(key);
        read(value);
        return value;
      },
      putSync: (key, value) => {
        count('put', key, value);
        if (tree.get(key)?.equals(value) === true) add('idle puts');
        return tree.putSync(key, value);
      },
      addSync: (key, value) => {
        const isAdded = tree.addSync(key, value);
        if (isAdded) count('put', key, value);
        else count('get', key);
        return isAdded;
      },
      removeSync: (key) => {
        add('removes');
        return tree.removeSync(key);
      },
      getRange: (range: TreeRange) => scanned(tree.getRange(range), ({ value }) => value),
      getKeys: (range: TreeRange) => scanned(tree.getKeys(range), () => undefined),
      getKeysCount: (range: TreeRange) => {
        const found = tree.getKeysCount(range);
        add('scanned', found);
        return found;
      },
    };
  }
}

/** By all threads of this process, to files: nearly all of it is LMDB's. Linux alone counts that. */
function writtenBytes(): number {
  if (process.platform !== 'linux') return 0;
  const line = /^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'));
  return Number(line?.[1]);
}
