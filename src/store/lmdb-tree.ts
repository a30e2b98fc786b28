import type { Database } from 'lmdb';
import type { Tree, TreeKey, TreeRange } from './environment.ts';

const ifAbsent = { noOverwrite: true } as const;

/** A tree of an LMDB environment. */
export class LmdbTree implements Tree {
  readonly #database: Database<Buffer, TreeKey>;

  constructor(database: Database<Buffer, TreeKey>) {
    this.#database = database;
  }

  get(key: TreeKey): Buffer | undefined {
    return this.#database.get(key);
  }

  putSync(key: TreeKey, value: Buffer): void {
    this.#database.putSync(key, value);
  }

  addSync(key: TreeKey, value: Buffer): boolean {
    // lmdb's types leave out what it answers.
    const isAdded: unknown = this.#database.putSync(key, value, ifAbsent);
    return isAdded === true;
  }

  removeSync(key: TreeKey): boolean {
    return this.#database.removeSync(key);
  }

  getRange(range: TreeRange): Iterable<{ readonly key: TreeKey; readonly value: Buffer }> {
    return this.#database.getRange(range);
  }

  getKeys(range: TreeRange): Iterable<TreeKey> {
    return this.#database.getKeys(range);
  }

  getKeysCount(range: TreeRange): number {
    return this.#database.getKeysCount(range);
  }
}
