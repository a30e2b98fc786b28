import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode } from './cluster-node.ts';
import type { ExpectedWinners } from './expected-winners.ts';
import { Random } from './random.ts';
import { Recorder } from './recorder.ts';
import type { Place } from './tables.ts';
import { waitFor } from './wait-for.ts';

export interface LoadOptions {
  readonly node: ClusterNode;
  readonly place: Place;
  readonly expected: ExpectedWinners;
  readonly seed: number;
  /** Writers at a time; each has its own keys and sends one request after another. */
  readonly writers?: number;
  /** Between two requests of a writer; none unless told. */
  readonly restMs?: number;
}

/**
 * Writes to a node until it is stopped, without a pause unless told: transactions of three new records, updates and deletes
 * of earlier ones. Keys are unique to a writer, so that what must come out is known exactly.
 */
export class Load implements AsyncDisposable {
  readonly #options: LoadOptions;
  readonly #writers: readonly Promise<void>[];
  #isStopping = false;
  #acknowledged = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#writers = Array.from({ length: options.writers ?? 3 }, (_, index) => this.#write(index));
    // A failure is reported by `stop`; nobody looks before.
    for (const writer of this.#writers) writer.catch(() => undefined);
  }

  /** Requests that were answered. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Resolves when this many more requests were answered. */
  async advance(requests: number, limitMs = 20_000): Promise<void> {
    const wanted = this.#acknowledged + requests;
    await waitFor(
      `${requests} more writes at ${this.#options.node.name}`,
      () => this.#acknowledged >= wanted,
      { limitMs, everyMs: 5 },
    );
  }

  /** Resolves when the last request has ended; rejects when a node refused a good write. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#writers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#writers);
  }

  async #write(writer: number): Promise<void> {
    const { node, place, expected, seed, restMs } = this.#options;
    const random = new Random(seed * 100 + writer);
    const recorder = new Recorder(node, place, expected);
    const keys: string[] = [];
    for (let step = 0; !this.#isStopping; step += 1) {
      const key = keys[random.between(0, keys.length)];
      const choice = random.fraction();
      const send = (): Promise<'done' | 'unanswered'> => {
        if (key === undefined || choice < 0.6) {
          const made = [0, 1, 2].map((part) => `${node.name}-${seed}-${writer}-${step}-${part}`);
          keys.push(...made);
          return recorder.insert(
            ...made.map((id) => ({ id, step, text: 'x'.repeat(random.between(0, 400)) })),
          );
        }
        return choice < 0.85 ? recorder.update({ id: key, step }) : recorder.delete(key);
      };
      if ((await send()) === 'done') this.#acknowledged += 1;
      else await this.#answersAgain();
      if (restMs !== undefined) await pause(restMs);
    }
  }

  async #answersAgain(): Promise<void> {
    const { node } = this.#options;
    // How long a node is away is for the test to say, which stops this one way or the other.
    await waitFor(
      `${node.name} to answer again`,
      async () => this.#isStopping || (await node.op({ operation: 'user_info' })).status === 200,
      { limitMs: Infinity, everyMs: 20 },
    );
  }
}

/** Several that end together, also when the test fails. */
export class Loads implements AsyncDisposable {
  readonly loads: readonly Load[];

  constructor(loads: readonly Load[]) {
    this.loads = loads;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.loads.map((load) => load[Symbol.asyncDispose]()));
  }
}
