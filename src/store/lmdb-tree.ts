import type { Database } from 'lmdb';
import { CodedError } from '../model/errors.ts';
import type { Tree, TreeKey, TreeRange } from './environment.ts';

const ifAbsent = { noOverwrite: true } as const;

/** MDB_READERS_FULL */
const readersFull = -30_790;

/** A tree of an LMDB environment. A read throws `unavailable` while others hold all snapshots that there can be. */
export class LmdbTree implements Tree {
  readonly #database: Database<Buffer, TreeKey>;

  constructor(database: Database<Buffer, TreeKey>) {
    this.#database = database;
  }

  get(key: TreeKey): Buffer | undefined {
    try {
      return this.#database.get(key);
    } catch (error) {
      throw readError(error);
    }
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
    return reading(this.#database.getRange(range));
  }

  getKeys(range: TreeRange): Iterable<TreeKey> {
    return reading(this.#database.getKeys(range));
  }

  getKeysCount(range: TreeRange): number {
    try {
      return this.#database.getKeysCount(range);
    } catch (error) {
      throw readError(error);
    }
  }
}

/** Where an iteration begins is where its snapshot is taken. */
function reading<T>(items: Iterable<T>): Iterable<T> {
  return {
    [Symbol.iterator]() {
      try {
        return items[Symbol.iterator]();
      } catch (error) {
        throw readError(error);
      }
    },
  };
}

function readError(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === readersFull)) return error;
  return new CodedError('unavailable', 'Too many answers are being read at once, try again', {
    cause: error,
  });
}
