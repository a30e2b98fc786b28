import { createHash } from 'node:crypto';
import { treeNames, type Environment } from '../../../src/store/environment.ts';

/**
 * An environment that tells what it holds: every tree, byte for byte, as one digest.
 */
export class WatchedEnvironment implements Environment {
  readonly #inner: Environment;
  #events = 0;
  #known: { readonly events: number; readonly digest: string } | undefined;

  constructor(inner: Environment) {
    this.#inner = inner;
  }

  /** Read again only when a commit was begun or has ended since, whether or not it was rolled back. */
  digest(): string {
    if (this.#known?.events !== this.#events) {
      const hash = createHash('sha256');
      for (const name of treeNames) {
        hash.update(`tree ${name}\n`);
        for (const { key, value } of this.trees[name].getRange({})) {
          hash.update(JSON.stringify(key)).update('\n').update(value);
        }
      }
      this.#known = { events: this.#events, digest: hash.digest('hex') };
    }
    return this.#known.digest;
  }

  get trees(): Environment['trees'] {
    return this.#inner.trees;
  }

  get inode(): number {
    return this.#inner.inode;
  }

  get sizeBytes(): number {
    return this.#inner.sizeBytes;
  }

  get marker(): NonNullable<Environment['marker']> {
    return this.#inner.marker ?? { read: () => undefined, write: () => undefined };
  }

  get backUp(): NonNullable<Environment['backUp']> {
    return async (file) => this.#inner.backUp?.(file);
  }

  onAbort(forget: () => void): void {
    this.#inner.onAbort(forget);
  }

  beforeEnd(write: () => void): void {
    this.#inner.beforeEnd(write);
  }

  async commit<T>(body: () => T): Promise<T> {
    this.#events += 1;
    try {
      return await this.#inner.commit(body);
    } finally {
      this.#events += 1;
    }
  }

  checkReaders(): void {
    this.#inner.checkReaders();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}
