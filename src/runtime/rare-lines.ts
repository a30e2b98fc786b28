import type { Logger } from './logger.ts';

export interface RareLinesOptions {
  readonly log: Logger;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  /** The name of the field that tells whose line it is. */
  readonly field: string;
  readonly windowMs?: number;
}

/** How many are counted each for itself in a window; the others are counted as one. */
const maxKeys = 100;
const linesOfKey = 5;

/**
 * A line of the log that strangers can cause, so that they cannot fill the disk with it.
 *
 * Of each address, or whatever the key is, the first few of a minute are written, then one with how many were not.
 * What is counted when the process ends is not written any more.
 */
export class RareLines {
  readonly #options: RareLinesOptions;
  readonly #counts = new Map<string | undefined, number>();

  constructor(options: RareLinesOptions) {
    this.#options = options;
  }

  write(key: string, facts: Readonly<Record<string, unknown>> = {}): void {
    if (this.#counts.size === 0)
      setTimeout(() => this.#tellCounts(), this.#options.windowMs ?? 60_000).unref();
    const counted = this.#counts.has(key) || this.#counts.size < maxKeys ? key : undefined;
    const count = (this.#counts.get(counted) ?? 0) + 1;
    this.#counts.set(counted, count);
    if (count <= linesOfKey) this.#log({ [this.#options.field]: key, ...facts });
  }

  #tellCounts(): void {
    for (const [key, count] of this.#counts) {
      if (count > linesOfKey) this.#log({ [this.#options.field]: key, notLogged: count - linesOfKey });
    }
    this.#counts.clear();
  }

  #log(facts: Readonly<Record<string, unknown>>): void {
    const { log, level, message } = this.#options;
    log[level](facts, message);
  }
}
