import type { Key as TreeKey, RangeOptions } from 'lmdb';

export type { TreeKey };

/** What a range of a tree is limited by: `start` counts, `end` does not unless it says so; in reverse, `start` is the higher one. */
export type TreeRange = Pick<
  RangeOptions,
  'start' | 'end' | 'reverse' | 'limit' | 'exclusiveStart' | 'inclusiveEnd'
>;

/** One B-tree of the environment: ordered keys, opaque values. Writes only inside a commit. */
export interface Tree {
  get(key: TreeKey): Buffer | undefined;
  putSync(key: TreeKey, value: Buffer): unknown;
  /** Puts where nothing is under the key; false, and nothing is changed, where something is. */
  addSync(key: TreeKey, value: Buffer): boolean;
  removeSync(key: TreeKey): boolean;
  /** Lazy. */
  getRange(range: TreeRange): Iterable<{ readonly key: TreeKey; readonly value: Buffer }>;
  getKeys(range: TreeRange): Iterable<TreeKey>;
  getKeysCount(range: TreeRange): number;
}

/** Sorts after every key in the order of the trees. */
export const afterAll = Buffer.from([0xff, 0xff]);

export const treeNames = [
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
  'confirmed',
  'heard',
  'tombstones',
  'spool',
  'quarantine',
] as const;

export type TreeName = (typeof treeNames)[number];

export type Trees = Readonly<Record<TreeName, Tree>>;

/** One tree of each name. */
export function eachTree<T>(open: (name: TreeName) => T): Readonly<Record<TreeName, T>> {
  return Object.fromEntries(treeNames.map((name) => [name, open(name)])) as Record<TreeName, T>;
}

/**
 * A small one takes next to no room, or gives some back: it is taken also where there is no room to grow. Small are
 * deletes, dropped tables, rows of system tables, cursors by themselves and upkeep; all else is growing.
 */
export type CommitKind = 'growing' | 'small';

/** What a store keeps its trees in: LMDB in production, memory in the simulator. */
export interface Environment extends AsyncDisposable {
  readonly trees: Trees;
  /** Inode of the data file: differs when the store was copied or restored. */
  readonly inode: number;
  readonly sizeBytes: number;

  /** A few characters kept beside the store and not in it: they tell a store from an older copy of itself. */
  readonly marker?: { read(): string | undefined; write(text: string): void };

  /** Registers what must forget cached reads when a commit is rolled back. */
  onAbort(forget: () => void): void;

  /** Registers what is still to be written at the end of every transaction, however many commits share it. */
  beforeEnd(write: () => void): void;

  /** How long commits of this process have stood in line behind another process; absent where processes cannot share it. */
  readonly lockWaitMs?: number;

  /** Why no commit that grows is taken at the moment, and what to do; undefined while there is room for it. */
  readonly shortage?: string | undefined;

  /** That this will soon be so; undefined while there is plenty of room, and where it is so. */
  readonly scarcity?: string | undefined;

  /**
   * Runs `body` in a write transaction; resolves when it is on disk, and nothing is visible before that.
   * A throw rolls everything back and rejects.
   *
   * @throws CodedError `storage_failed` when there is no room, or the disk did not take it
   */
  commit<T>(body: () => T, kind?: CommitKind): Promise<T>;

  /**
   * Holds back commits of this process; resolves, when none is under way, to what lets them go on. A process that opens
   * the environment of another may only do so meanwhile. Absent where processes cannot share it.
   */
  readonly hold?: () => Promise<() => void>;

  /** Reads from now on see all that any process has committed; else they may be of a moment ago. */
  readonly refresh?: () => void;

  /** @throws CodedError `storage_failed` where a new file of so many bytes would take what must stay free */
  readonly checkRoom?: (bytes: number, directory: string) => void;

  /**
   * Writes all trees, as they are at one moment, to a new file, while commits go on.
   *
   * @throws CodedError `storage_failed` as {@link checkRoom}
   */
  readonly backUp?: (file: string) => Promise<void>;

  /** Frees reader slots of processes that died. */
  checkReaders(): void;
}
