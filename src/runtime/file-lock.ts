import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { tryLock, unlock } from 'fs-native-extensions';

/** Another process, or another part of this one, holds the lock. */
export class FileLockedError extends Error {
  override readonly name = 'FileLockedError';
  readonly code = 'locked';
  readonly path: string;
  /** Undefined in the instant between a holder's locking and its writing of the number, and where that failed. */
  readonly holderPid: number | undefined;

  constructor(path: string, holderPid: number | undefined) {
    super(`${path} is locked by ${holderPid === undefined ? 'another process' : `process ${holderPid}`}`);
    this.path = path;
    this.holderPid = holderPid;
  }
}

const retryMs = 20;

/**
 * An exclusive lock on a file, held by the operating system.
 *
 * It ends with the process, however that dies, so a lock that can be acquired is proof that no holder lives;
 * the number in the file is for people only. It also excludes a second holder in the same process. The file
 * stays: removing it would let two processes lock two different files of one name.
 */
export class FileLock implements AsyncDisposable {
  readonly path: string;
  /** Why the number of this process is not in the file; undefined when it is. The lock holds all the same. */
  readonly unwritten: unknown;
  // A plain number: a FileHandle that is garbage-collected closes itself, and the lock with it.
  #fd: number | undefined;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.unwritten = replaceText(fd, `${process.pid}\n`);
  }

  /**
   * Locks the file, made when it does not exist, and writes the number of this process into it.
   *
   * @param options.waitMs how long to keep trying; 0, the default, tries once
   * @throws FileLockedError when somebody else holds it
   */
  static async acquire(path: string, { waitMs = 0 }: { readonly waitMs?: number } = {}): Promise<FileLock> {
    const deadlineMs = performance.now() + waitMs;
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      while (!tryLock(fd)) {
        if (performance.now() >= deadlineMs) throw new FileLockedError(path, readPid(path));
        await wait(retryMs);
      }
      return new FileLock(path, fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Releases the lock; a second call does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    const fd = this.#fd;
    if (fd === undefined) return;
    this.#fd = undefined;
    try {
      replaceText(fd, '\n');
      unlock(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** Whether some process holds the lock on a file that is there. Where none does it is taken, shared, for an instant. */
export function isLocked(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    if (!tryLock(fd, { shared: true })) return true;
    unlock(fd);
    return false;
  } finally {
    closeSync(fd);
  }
}

/**
 * Returns why it failed; then the file is empty. In place and never to nothing, so that the room that the file has once
 * taken is its own: the number of the next holder fits also on a full disk.
 */
function replaceText(fd: number, text: string): unknown {
  try {
    writeSync(fd, text, 0);
    ftruncateSync(fd, text.length);
    return undefined;
  } catch (error) {
    ftruncateSync(fd);
    return error;
  }
}

function readPid(path: string): number | undefined {
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  return Number.isNaN(pid) ? undefined : pid;
}
