import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type Key as LmdbKey, type RootDatabase } from 'lmdb';

/** One B-tree of the environment: ordered keys, opaque values. */
export type Tree = Database<Buffer, LmdbKey>;

const treeNames = [
  'meta',
  'catalog',
  'tableStates',
  'records',
  'indexes',
  'log',
  'channels',
  'origins',
  'cursors',
  'marks',
  'spool',
] as const;

export type Trees = Readonly<Record<(typeof treeNames)[number], Tree>>;

export interface EnvironmentOptions {
  /** Directory of the data file. */
  readonly path: string;
  readonly mapSizeBytes: number;
}

/**
 * The LMDB environment of a node, open in both of its processes.
 *
 * Opened with `overlappingSync: false`: a commit is visible (to either process) only after it is on disk,
 * so whatever can be read may also be acknowledged, published or confirmed.
 */
export class Environment implements AsyncDisposable {
  readonly trees: Trees;
  readonly dataFile: string;
  readonly #root: RootDatabase<Buffer, LmdbKey>;
  readonly #onAbort: (() => void)[] = [];

  constructor(options: EnvironmentOptions) {
    mkdirSync(options.path, { recursive: true });
    this.dataFile = join(options.path, 'lyre.mdb');
    this.#root = open<Buffer, LmdbKey>({
      path: this.dataFile,
      noSubdir: true,
      overlappingSync: false,
      maxDbs: treeNames.length + 4,
      mapSize: options.mapSizeBytes,
      encoding: 'binary',
    });
    const tree = (name: string): Tree => this.#root.openDB<Buffer, LmdbKey>({ name, encoding: 'binary' });
    this.trees = {
      meta: tree('meta'),
      catalog: tree('catalog'),
      tableStates: tree('tableStates'),
      records: tree('records'),
      indexes: tree('indexes'),
      log: tree('log'),
      channels: tree('channels'),
      origins: tree('origins'),
      cursors: tree('cursors'),
      marks: tree('marks'),
      spool: tree('spool'),
    };
  }

  /** Inode of the data file: differs when the store was copied or restored. */
  get inode(): number {
    return statSync(this.dataFile).ino;
  }

  get sizeBytes(): number {
    return statSync(this.dataFile).size;
  }

  /** Registers what must forget cached reads when a commit is rolled back. */
  onAbort(forget: () => void): void {
    this.#onAbort.push(forget);
  }

  /**
   * Runs `body` in a write transaction; resolves when it is on disk.
   *
   * Concurrent commits share one flush. Not lmdb's `transaction()`: that one keeps what was written
   * before a throw; here a throw rolls everything back and rejects.
   */
  async commit<T>(body: () => T): Promise<T> {
    try {
      return await this.#root.childTransaction(body);
    } catch (error) {
      for (const forget of this.#onAbort) forget();
      throw error;
    }
  }

  /** Frees reader slots of processes that died. */
  checkReaders(): void {
    this.#root.readerCheck();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }
}
