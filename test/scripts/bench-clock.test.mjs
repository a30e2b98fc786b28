import { expect, test } from 'vitest';
import { Contender } from '../../scripts/benchmark/contender.mjs';
import { catchUp } from '../../scripts/benchmark/loads/catch-up.mjs';
import { initialCopy } from '../../scripts/benchmark/loads/initial-copy.mjs';

/** A system that has what is written at once, and notes in which order it is asked. */
class InstantSystem {
  asked = [];
  #rows = new Map();

  async openWriter(table) {
    const write = async (_, count) => void this.#rows.set(table, this.#held(table) + count);
    return { write, close: () => undefined };
  }

  async progress(table) {
    return this.#held(table);
  }

  async rowsAtPublisher(table) {
    return this.#held(table);
  }

  async rowsAtSubscriber(table) {
    this.asked.push('count');
    return this.#held(table);
  }

  cpuSeconds() {
    this.asked.push('clock');
    return 0;
  }

  async startSubscriber() {}
  async createTable() {}
  async link() {}
  async cut() {}
  async restore() {}
  peakMiB = () => 0;
  ownMiB = () => 0;

  #held(table) {
    return this.#rows.get(table) ?? 0;
  }
}

test.each([
  ['an initial copy', initialCopy, 1],
  ['a catch-up', catchUp, 3],
])('rows are counted when the clock of %s has stopped', async (_, load, times) => {
  const system = new InstantSystem();

  await load(new Contender(system, { scale: 0.001, fanOut: [1], grownRows: 1_000 }));

  expect(system.asked).toEqual(Array.from({ length: times }, () => ['clock', 'clock', 'count']).flat());
});

test('a subscriber that holds more than was written is found out', async () => {
  const system = new InstantSystem();
  const contender = new Contender(system, { scale: 0.001, fanOut: [1], grownRows: 1_000 });
  const { write } = await system.openWriter('readings');
  await write(0, 1);

  await expect(contender.awaitRows('readings')).rejects.toThrow('holds 1 rows where 0 were written');
});
