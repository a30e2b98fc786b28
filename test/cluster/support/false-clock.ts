import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `npm test` puts libfaketime, and Debian, Fedora and Arch: the variant for programs with threads. */
const libraries = [
  fileURLToPath(new URL('../../../.faketime/libfaketimeMT.so.1', import.meta.url)),
  `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketimeMT.so.1`,
  '/usr/lib64/faketime/libfaketimeMT.so.1',
  '/usr/lib/faketime/libfaketimeMT.so.1',
];

/** The first that is there and that LD_PRELOAD can name: it ends a path at a space or a colon. */
function library(): string | undefined {
  return libraries.find((file) => existsSync(file) && !/[ :]/.test(file));
}

/** The wall clock of a node's processes, set by the test, also while they run. Monotonic time goes on as it is. */
export class FalseClock implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'lyre-clock-'));
  #offsetMs = 0;

  constructor(offsetMs = 0) {
    this.set(offsetMs);
  }

  /** Why there can be none here; undefined when there can. */
  static get hindrance(): string | undefined {
    return library()
      ? undefined
      : 'there is no libfaketime (`npm test` fetches it where it can; Debian: apt-get install libfaketime)';
  }

  /** What a node is started with. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DISABLE_SHM: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  /** What the processes take for the time now, ms since 1970. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** How far ahead of the true time the clock is, at once and until it is set again. */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    writeFileSync(this.#file, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1_000}\n`);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }

  get #file(): string {
    return join(this.#directory, 'offset');
  }
}
