import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Turns, type Bulk, type Turn } from '../../src/channel/turns.ts';

const never = new AbortController().signal;

/** Channels that always have more to carry, in a time of their own: one step is one answer of the link. */
class Traffic {
  readonly turns: Turns;
  /** Who was granted a turn, in order. */
  readonly granted: string[] = [];
  /** How often somebody's priority was asked for. */
  looks = 0;
  readonly carriedBytes = new Map<string, number>();
  readonly #under = new Map<string, Turn>();

  constructor(priorities: Readonly<Record<string, number>>, maxHeldBytes = 1_000) {
    const priorityOf = (channel: string): number => {
      this.looks += 1;
      return priorities[channel] ?? 5;
    };
    this.turns = new Turns({ priorityOf, maxHeldBytes });
  }

  ask(channel: string, bulk: Bulk = 'catch-up', signal = never): Promise<void> {
    return this.turns.take(channel, bulk, signal).then((turn) => {
      this.granted.push(channel);
      this.#under.set(channel, turn);
    });
  }

  get carrying(): readonly string[] {
    return [...this.#under.keys()];
  }

  arrive(channel: string, bytes: number): void {
    this.#under.get(channel)?.carried(bytes);
    this.#under.get(channel)?.arrived();
  }

  /** The channel's answer has come and is applied, and there is more. */
  async goOn(channel: string, bytes = 10, bulk: Bulk = 'catch-up'): Promise<void> {
    void this.ask(channel, bulk);
    await this.end(channel, bytes);
  }

  /** The channel's answer has come and is applied. */
  async end(channel: string, bytes = 10): Promise<void> {
    this.carriedBytes.set(channel, (this.carriedBytes.get(channel) ?? 0) + bytes);
    this.#under.get(channel)?.carried(bytes);
    this.#under.get(channel)?.[Symbol.dispose]();
    this.#under.delete(channel);
    await settled();
  }
}

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

describe('turns over the link to a peer', () => {
  test('one is carried at a time', async () => {
    const traffic = new Traffic({});

    for (const channel of ['a', 'b', 'c']) void traffic.ask(channel);
    await settled();
    expect(traffic.granted).toEqual(['a']);
    await traffic.end('a');
    expect(traffic.granted).toEqual(['a', 'b']);
    await traffic.end('b');
    expect(traffic.granted).toEqual(['a', 'b', 'c']);
  });

  test('a backlog of higher priority goes before all of a lower one, and waits for nothing but what is under way', async () => {
    const traffic = new Traffic({ alert: 9, raw: 1 });
    void traffic.ask('raw');
    await settled();

    void traffic.ask('alert');
    await settled();
    expect(traffic.carrying).toEqual(['raw', 'alert']);
    await traffic.goOn('raw');
    for (let round = 0; round < 5; round += 1) {
      await traffic.goOn('alert');
    }

    expect(traffic.granted).toEqual(['raw', 'alert', 'alert', 'alert', 'alert', 'alert', 'alert']);
    await traffic.end('alert');
    expect(traffic.carrying).toEqual(['raw']);
  });

  test('a channel of high priority that has nothing to carry keeps nobody waiting', async () => {
    const traffic = new Traffic({ alert: 9, raw: 1 });
    void traffic.ask('alert');
    await settled();
    await traffic.end('alert');

    void traffic.ask('raw');
    await settled();

    expect(traffic.carrying).toEqual(['raw']);
  });

  test('a copy goes after what was written since, of the same priority, and before what has a lower one', async () => {
    const traffic = new Traffic({ low: 1, copied: 5, written: 5, busy: 9 });
    void traffic.ask('busy');
    void traffic.ask('low');
    void traffic.ask('copied', 'copy');
    void traffic.ask('written');
    await settled();

    await traffic.end('busy');
    await traffic.end('written');
    await traffic.end('copied');

    expect(traffic.granted).toEqual(['busy', 'written', 'copied', 'low']);
  });

  test('whose turn is next is found with one look at each that waits', async () => {
    const traffic = new Traffic({});
    for (let index = 0; index < 100; index += 1) void traffic.ask(`channel ${index}`);
    await settled();

    traffic.looks = 0;
    traffic.arrive('channel 0', 10);

    await settled();
    expect(traffic.carrying).toEqual(['channel 0', 'channel 1']);
    // Once for the turn that it grants, and once more for the next.
    expect(traffic.looks).toBeLessThan(2.2 * 100);
  });

  test('channels of one priority share by bytes, not by turns', async () => {
    const traffic = new Traffic({});
    const sizes: Readonly<Record<string, number>> = { large: 900, middle: 300, small: 100 };
    for (const channel of Object.keys(sizes)) void traffic.ask(channel);
    await settled();

    for (let round = 0; round < 200; round += 1) {
      const [channel = ''] = traffic.carrying;
      await traffic.goOn(channel, sizes[channel]);
    }

    const carried = [...traffic.carriedBytes.values()];
    expect(Math.max(...carried) - Math.min(...carried)).toBeLessThanOrEqual(900);
  });

  test('a channel that was quiet for long does not make up for it', async () => {
    const traffic = new Traffic({});
    void traffic.ask('old');
    await settled();
    for (let round = 0; round < 50; round += 1) {
      await traffic.goOn('old');
    }
    traffic.granted.length = 0;

    void traffic.ask('new');
    for (let round = 0; round < 8; round += 1) {
      const [channel = ''] = traffic.carrying;
      await traffic.goOn(channel);
    }

    expect(traffic.granted.filter((channel) => channel === 'new')).toHaveLength(4);
  });

  test('what has arrived frees the link, until too much of it is not applied', async () => {
    const traffic = new Traffic({ urgent: 9 }, 1_000);
    for (const channel of ['a', 'b', 'c']) void traffic.ask(channel);
    await settled();
    traffic.arrive('a', 600);
    await settled();
    expect(traffic.carrying).toEqual(['a', 'b']);

    traffic.arrive('b', 600);
    await settled();
    expect(traffic.carrying).toEqual(['a', 'b']);
    void traffic.ask('urgent');
    await settled();
    expect(traffic.carrying).toEqual(['a', 'b', 'urgent']);
    await traffic.end('urgent');
    await traffic.end('a');

    expect(traffic.carrying).toEqual(['b', 'c']);
  });

  test('whoever waits for parts of others steps aside and lends them its priority while it waits', async () => {
    const traffic = new Traffic({ waiting: 9, greedy: 9, needed: 1 });
    void traffic.ask('waiting');
    void traffic.ask('greedy');
    void traffic.ask('needed');
    await settled();

    const wait = traffic.turns.stepAside('waiting');
    await settled();
    expect(traffic.carrying).toEqual(['waiting', 'greedy']);
    await traffic.goOn('greedy');
    expect(traffic.granted).toEqual(['waiting', 'greedy', 'needed']);
    wait[Symbol.dispose]();
    await traffic.goOn('needed');
    await traffic.end('waiting');

    expect(traffic.granted).toEqual(['waiting', 'greedy', 'needed', 'greedy']);
  });

  test('whoever gives up is not granted a turn, and holds up nobody', async () => {
    const traffic = new Traffic({});
    const stop = new AbortController();
    void traffic.ask('a');
    const given = traffic.ask('b', 'catch-up', stop.signal);
    void traffic.ask('c');
    await settled();

    stop.abort(new Error('stopped'));
    await expect(given).rejects.toThrow('stopped');
    expect(traffic.turns.isComing('b')).toBe(false);
    await traffic.end('a');

    expect(traffic.granted).toEqual(['a', 'c']);
  });

  test('whatever the channels ask for, each that asks comes to its turn once those above it have no backlog left', async () => {
    const channel = fc.record({
      priority: fc.integer({ min: 0, max: 9 }),
      backlog: fc.integer({ min: 1, max: 6 }),
      bytes: fc.integer({ min: 0, max: 500 }),
      bulk: fc.constantFrom<Bulk>('catch-up', 'copy'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(channel, { minLength: 1, maxLength: 6 }), async (channels) => {
        const priorities = Object.fromEntries(channels.map(({ priority }, index) => [`${index}`, priority]));
        const traffic = new Traffic(priorities);
        const left = channels.map(({ backlog }) => backlog);
        channels.forEach(({ bulk }, index) => void traffic.ask(`${index}`, bulk));
        await settled();
        const atOnce = traffic.granted.length;
        while (traffic.carrying.length > 0) {
          const name = traffic.carrying.at(-1) ?? '';
          const { bytes, bulk } = channels[Number(name)] ?? {};
          left[Number(name)] = (left[Number(name)] ?? 0) - 1;
          if ((left[Number(name)] ?? 0) > 0) await traffic.goOn(name, bytes, bulk);
          else await traffic.end(name, bytes);
        }

        expect(left).toEqual(channels.map(() => 0));
        const rank = (name: string): number => {
          const { priority = 0, bulk } = channels[Number(name)] ?? {};
          return priority * 2 + (bulk === 'catch-up' ? 1 : 0);
        };
        // Until all have asked nobody knows of those above.
        const rest = traffic.granted.slice(atOnce).map(rank);
        expect(rest).toEqual(rest.toSorted((a, b) => b - a));
      }),
      { numRuns: 200 },
    );
  });
});
