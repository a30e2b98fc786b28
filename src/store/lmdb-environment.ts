import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { CodedError, messageOf } from '../model/errors.ts';
import { closeToOthers, makePrivateDirectory } from '../runtime/private-files.ts';
import { writeWhole } from '../runtime/whole-file.ts';
import { open, type RootDatabase } from 'lmdb';
import { DiskRoom, lackOfRoom } from './disk-room.ts';
import { emptyBytesOf } from './empty-bytes.ts';
import {
  eachTree,
  treeNames,
  type CommitKind,
  type Environment,
  type TreeKey,
  type Trees,
} from './environment.ts';
import { GroupCommit } from './group-commit.ts';
import { LmdbTree } from './lmdb-tree.ts';
import { LockWait } from './lock-wait.ts';

export interface LmdbEnvironmentOptions {
  /** Directory of the data file. */
  readonly path: string;
  readonly mapSizeBytes: number;
  /** With less free than this on its disk, commits that make the store larger are refused. */
  readonly minFreeDiskBytes?: number;
  /** Snapshots that all processes hold at once; whoever opens it first decides. */
  readonly maxReaders?: number;
}

/**
 * Each answer that is being read may hold one. A slot is 64 bytes of the lock file, which grows once nobody has it open;
 * commits look at those that were ever used.
 */
const usualReaders = 4_096;

/**
 * lmdb's types lack it. The list of free pages is read anew in each transaction, as LMDB itself does: lmdb's fork keeps it from
 * one to the next, and ends the process where it goes back to the very first free page with a kept list whose records it has not
 * read (`mdb_freelist_save`, "Freelist record not found"). Two processes that write much in turn met that.
 */
const freeList = { maxFreeSpaceToRetain: 0 };

/** lmdb's types lack it, too. */
const ownerOnly = { permissionsMode: 0o600 };

const { EIO, EFBIG, ENOSPC, EDQUOT } = constants.errno;
const diskCodes: ReadonlySet<unknown> = new Set([EIO, EFBIG, ENOSPC, EDQUOT]);

/**
 * The LMDB environment of a node, open in both of its processes.
 *
 * Opened with `overlappingSync: false`: a commit is visible (to either process) only after it is on disk,
 * so whatever can be read may also be acknowledged, published or confirmed.
 */
export class LmdbEnvironment implements Environment {
  readonly trees: Trees;
  readonly dataFile: string;
  readonly marker: { read(): string | undefined; write(text: string): void };
  readonly #root: RootDatabase<Buffer, TreeKey>;
  readonly #room: DiskRoom;
  readonly #reserveBytes: number;
  readonly #emptyBytes: () => number;
  readonly #onAbort: (() => void)[] = [];
  readonly #beforeEnd: (() => void)[] = [];
  readonly #lockWait = new LockWait(() => performance.now());
  readonly #group = new GroupCommit(async (body) => this.#transact(body));

  constructor(options: LmdbEnvironmentOptions) {
    makePrivateDirectory(options.path);
    this.#reserveBytes = options.minFreeDiskBytes ?? 0;
    this.dataFile = join(options.path, 'lyre.mdb');
    this.marker = markerFile(`${options.path}.start`);
    this.#root = open<Buffer, TreeKey>({
      path: this.dataFile,
      noSubdir: true,
      overlappingSync: false,
      // Else lmdb's thread looks every few microseconds whether more has been queued while a commit runs here.
      strictAsyncOrder: true,
      // lmdb's own batches begin with a promise that nobody holds: it would end the process when a commit fails.
      eventTurnBatching: false,
      ...freeList,
      ...ownerOnly,
      maxDbs: treeNames.length + 4,
      mapSize: options.mapSizeBytes,
      maxReaders: options.maxReaders ?? usualReaders,
      encoding: 'binary',
    });
    // Those of earlier versions could be read by everybody.
    for (const path of [options.path, this.dataFile, `${this.dataFile}-lock`]) closeToOthers(path);
    const databases = eachTree((name) => this.#root.openDB<Buffer, TreeKey>({ name, encoding: 'binary' }));
    this.trees = eachTree((name) => new LmdbTree(databases[name]));
    this.#emptyBytes = () => emptyBytesOf(this.#root, databases);
    this.#room = new DiskRoom({
      path: options.path,
      reserveBytes: this.#reserveBytes,
      emptyBytes: this.#emptyBytes,
    });
  }

  get inode(): number {
    return statSync(this.dataFile).ino;
  }

  get sizeBytes(): number {
    return statSync(this.dataFile).size;
  }

  onAbort(forget: () => void): void {
    this.#onAbort.push(forget);
  }

  beforeEnd(write: () => void): void {
    this.#beforeEnd.push(write);
  }

  get lockWaitMs(): number {
    return this.#lockWait.ms;
  }

  get shortage(): string | undefined {
    return this.#room.shortage;
  }

  get scarcity(): string | undefined {
    return this.#room.scarcity;
  }

  /** Concurrent commits share one transaction and its flush. */
  async commit<T>(body: () => T, kind: CommitKind = 'growing'): Promise<T> {
    const { shortage } = this;
    if (kind === 'growing' && shortage !== undefined) throw nothingWritten(shortage);
    return this.#group.run(body);
  }

  readonly refresh = (): void => this.#root.resetReadTxn();

  /**
   * For another process that opens the environment: it reads the number of the newest transaction and writes it back
   * without the writer's lock (`mdb_env_open2` of lmdb's fork of LMDB). What was committed between the two, flushed and
   * acknowledged, would be written over by the next commit.
   */
  readonly hold = async (): Promise<() => void> => this.#group.hold();

  /** Not lmdb's `transaction()`: that one keeps what was written before a throw. */
  async #transact<T>(body: () => T): Promise<T> {
    try {
      return await this.#lockWait.for(async (begun) =>
        this.#root.childTransaction(() => {
          begun();
          return this.#guarded(body);
        }),
      );
    } catch (error) {
      this.#forget();
      throw await this.#diskError(error);
    }
  }

  /** lmdb says only that a commit failed; why is in a promise of its own, which nobody else looks at. */
  async #diskError(error: unknown): Promise<unknown> {
    if (!(error instanceof Error)) return error;
    const { commitError, code } = error as Error & {
      readonly commitError?: Promise<never>;
      readonly code?: unknown;
    };
    if (!commitError && !diskCodes.has(code)) return error;
    let reason = messageOf(error);
    await commitError?.catch((cause: unknown) => (reason = messageOf(cause)));
    return nothingWritten(this.#room.look() ?? `the store cannot write to its disk (${reason})`, error);
  }

  /** Forgets inside the transaction: the next commit of the same batch must not read what this one cached. */
  #guarded<T>(body: () => T): T {
    try {
      const value = body();
      for (const write of this.#beforeEnd) write();
      return value;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #forget(): void {
    for (const forget of this.#onAbort) forget();
  }

  readonly checkRoom = (bytes: number, directory: string): void => {
    const lack = lackOfRoom(bytes, directory, this.#reserveBytes);
    if (lack !== undefined) throw nothingWritten(lack);
  };

  /** Without the pages that are free. */
  readonly backUp = async (file: string): Promise<void> => {
    this.checkRoom(this.sizeBytes - this.#emptyBytes(), dirname(file));
    await this.#root.backup(file, true);
    closeToOthers(file);
  };

  checkReaders(): void {
    this.#root.readerCheck();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }
}

/** Beside the directory, not in it: a backup of the directory that is put back does not bring it along. */
function markerFile(file: string): { read(): string | undefined; write(text: string): void } {
  return {
    read: () => (existsSync(file) ? readFileSync(file, 'utf8') : undefined),
    write: (text) => {
      try {
        writeWhole(file, text, 0o644);
      } catch (error) {
        if (!existsSync(file)) throw error;
        // A full disk has room for it in its place. If a power cut tears it the store id is drawn anew.
        writeFileSync(file, text, { flag: 'r+', flush: true });
      }
    },
  };
}

function nothingWritten(reason: string, cause?: unknown): CodedError {
  return new CodedError('storage_failed', `Nothing was written: ${reason}`, { cause });
}
