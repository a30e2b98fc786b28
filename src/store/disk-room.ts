import { statfsSync } from 'node:fs';

export interface DiskRoomOptions {
  /** A directory on the disk. */
  readonly path: string;
  /** Stays free. */
  readonly reserveBytes: number;
  /** What the store can still take without growing. */
  readonly emptyBytes: () => number;
}

const lookAgainMs = 100;
/** Less than so many times the reserve is little. */
const scarceReserves = 4;

/**
 * Whether a store has room for more, on its disk or in its own file.
 *
 * The reserve is refused to commits before the disk is really full, because others need it, first of all the streams,
 * which nats-server gives up at the first write that fails. A commit that was let in and still does not fit is refused by
 * lmdb and rolled back.
 */
export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #lookedAtMs = -Infinity;
  #shortage: string | undefined;
  #scarcity: string | undefined;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  /** Why there is none, as of a moment ago, and what to do; undefined while there is. */
  get shortage(): string | undefined {
    return performance.now() - this.#lookedAtMs < lookAgainMs ? this.#shortage : this.look();
  }

  /** That there will soon be none, as of a moment ago; undefined while there is plenty, and where there is none. */
  get scarcity(): string | undefined {
    return this.shortage === undefined ? this.#scarcity : undefined;
  }

  /** As {@link shortage}, as of now. */
  look(): string | undefined {
    const { path, reserveBytes, emptyBytes } = this.#options;
    const freeBytes = freeBytesOf(path);
    const isBelow = (bytes: number): boolean => freeBytes < bytes && emptyBytes() < bytes;
    const isShort = isBelow(reserveBytes);
    this.#lookedAtMs = performance.now();
    this.#scarcity = isBelow(scarceReserves * reserveBytes)
      ? `${mebibytes(freeBytes)} are left on the disk of ${path}, and below storage.minFreeDiskBytes (${mebibytes(reserveBytes)}) writes are refused: make room there, or let the streams keep less (clustering.leafServer.streams)`
      : undefined;
    this.#shortage = isShort
      ? `the disk of ${path} is full: ${mebibytes(freeBytes)} are left, of which storage.minFreeDiskBytes keeps ${mebibytes(reserveBytes)}; make room there, or delete records, and it goes on by itself`
      : undefined;
    return this.#shortage;
  }
}

/** Why so many bytes more in a directory would take what must stay free on its disk; undefined when they would not. */
export function lackOfRoom(bytes: number, directory: string, reserveBytes: number): string | undefined {
  const freeBytes = freeBytesOf(directory);
  if (freeBytes - bytes >= reserveBytes) return undefined;
  return `${mebibytes(bytes)} are needed on the disk of ${directory}, and ${mebibytes(freeBytes)} are left, of which storage.minFreeDiskBytes keeps ${mebibytes(reserveBytes)}; make room there`;
}

function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
