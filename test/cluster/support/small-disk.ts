import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own that is soon full; made by root only. */
export class SmallDisk implements Disposable {
  /** An empty directory on it. */
  readonly directory: string;
  readonly #mountPoint: string;
  #ballast = 0;

  private constructor(mountPoint: string) {
    this.#mountPoint = mountPoint;
    this.directory = join(mountPoint, 'node');
    mkdirSync(this.directory);
  }

  /** Why there can be none here; undefined when there can. */
  static get hindrance(): string | undefined {
    if (process.platform !== 'linux') return 'only Linux mounts a tmpfs';
    const mountPoint = mkdtempSync(join(tmpdir(), 'lyre-disk-'));
    const reason = mount(mountPoint, 1);
    if (reason === undefined) unmount(mountPoint);
    rmSync(mountPoint, { recursive: true });
    return reason;
  }

  static make(sizeMiB: number): SmallDisk {
    const mountPoint = mkdtempSync(join(tmpdir(), 'lyre-disk-'));
    const reason = mount(mountPoint, sizeMiB);
    if (reason !== undefined) throw new Error(reason);
    return new SmallDisk(mountPoint);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#mountPoint);
    return bavail * bsize;
  }

  /** Takes up room until this much is left. */
  fillUpTo(leftBytes: number): void {
    const bytes = this.freeBytes - leftBytes;
    if (bytes <= 0) return;
    this.#ballast += 1;
    try {
      writeFileSync(join(this.#mountPoint, `ballast-${this.#ballast}`), Buffer.alloc(bytes, 1));
    } catch (error) {
      // Others have written meanwhile: nothing at all is left.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }

  /** Gives back what was taken up. */
  makeRoom(): void {
    for (; this.#ballast > 0; this.#ballast -= 1) rmSync(join(this.#mountPoint, `ballast-${this.#ballast}`));
  }

  [Symbol.dispose](): void {
    unmount(this.#mountPoint);
    rmSync(this.#mountPoint, { recursive: true });
  }
}

function mount(mountPoint: string, sizeMiB: number): string | undefined {
  const { status, stderr, error } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'lyre-test', mountPoint],
    { encoding: 'utf8' },
  );
  return status === 0 ? undefined : `a tmpfs cannot be mounted: ${(error?.message ?? stderr).trim()}`;
}

function unmount(mountPoint: string): void {
  spawnSync('umount', [mountPoint]);
}
