import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode } from './cluster-node.ts';
import type { ExpectedWinners, Key } from './expected-winners.ts';
import { Random } from './random.ts';
import { Recorder } from './recorder.ts';
import type { Place } from './tables.ts';

export interface OneAfterAnotherOptions {
  readonly place: Place;
  readonly expected: ExpectedWinners;
  readonly seed: number;
  readonly keys: readonly Key[];
}

/**
 * Writes, updates and deletes of a few keys at any of several nodes: one at a time for the whole cluster, and
 * never two in the same millisecond, so everybody can tell which is the later. An older write that arrives
 * meanwhile cannot win, so the exact record that has to win is known although nodes replicate.
 */
export class OneAfterAnother {
  readonly #options: OneAfterAnotherOptions;
  readonly #random: Random;
  #steps = 0;

  constructor(options: OneAfterAnotherOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  /** This many writes, each at one of the nodes. */
  async write(count: number, nodes: readonly ClusterNode[]): Promise<void> {
    for (let written = 0; written < count; written += 1) {
      const node = nodes[this.#random.between(0, nodes.length)];
      if (!node) throw new Error('no node to write to');
      await this.#step(new Recorder(node, this.#options.place, this.#options.expected));
      await pause(2);
    }
  }

  async #step(recorder: Recorder): Promise<void> {
    const { keys } = this.#options;
    const id = keys[this.#random.between(0, keys.length)] ?? '';
    const step = (this.#steps += 1);
    const choice = this.#random.fraction();
    if (choice < 0.25) await recorder.delete(id);
    else
      await recorder.exact('upsert', {
        id,
        step,
        text: `${step} ${'z'.repeat(this.#random.between(0, 80))}`,
      });
  }
}
