import type { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { CountedEnvironment, type StoreCounts, type StoreReads } from './counted-environment.ts';

/** Counts what is done to the store that is opened with its {@link wrap}. */
export class StoreCounter {
  #environment: CountedEnvironment | undefined;

  readonly wrap = (real: LmdbEnvironment): CountedEnvironment =>
    (this.#environment = new CountedEnvironment(real));

  /** What `body` does to the store. */
  async counting(body: () => Promise<unknown>): Promise<StoreCounts> {
    return this.#opened.counting(body);
  }

  /** What `body` reads of the store. */
  async reading(body: () => Promise<unknown>): Promise<StoreReads> {
    return this.#opened.reading(body);
  }

  get #opened(): CountedEnvironment {
    if (!this.#environment) throw new Error('No store has been opened');
    return this.#environment;
  }
}

/** Runs so many calls, `width` of them at a time, in the order of their numbers. */
export async function atOnce(
  width: number,
  count: number,
  call: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: width }, caller));
}
