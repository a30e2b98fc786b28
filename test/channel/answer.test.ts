import { describe, expect, test } from 'vitest';
import type { ChannelResponse } from '../../src/channel/protocol.ts';
import { makeTable, numbersOf } from '../store/test-store.ts';
import { openPair } from './replica-pair.ts';
import { connect, expectSame, keysOf, Replica, settle } from './replica.ts';

type Items = Extract<ChannelResponse, { kind: 'items' }>;

async function askItems(subscriber: Replica, publisher: Replica): Promise<Items> {
  const { response } = await subscriber.ask(publisher);
  if (response.kind !== 'items') throw new Error(`expected items, got ${response.kind}`);
  return response;
}

describe('an answer', () => {
  test('that begins with what is held is taken from the first transaction that is not', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await settle(a, b);
    for (const id of [1, 2, 3]) await a.upsert({ id });
    const held = await askItems(b, a);
    await b.receiver(a).accept(held);
    await a.upsert({ id: 4 });
    await a.delete(2);
    const next = await askItems(b, a);
    const before = numbersOf(b.store);
    expect([held.items.length, next.items.length, before.length]).toEqual([3, 2, 3]);

    await b.receiver(a).accept({ ...next, items: [...held.items, ...next.items] });

    expect(numbersOf(b.store).slice(0, 3)).toEqual(before);
    expect(numbersOf(b.store)).toEqual(numbersOf(a.store));
    expect(keysOf(b)).toEqual([1, 3, 4]);
    expectSame(a, b);
  });

  test('with a hole is taken up to the hole, and what lies behind it comes again', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await settle(a, b);
    for (const id of [1, 2, 3, 4]) await a.upsert({ id });
    const whole = await askItems(b, a);
    const missing = whole.items[1];
    expect(missing).toBeDefined();

    await b.receiver(a).accept({ ...whole, items: whole.items.filter((item) => item !== missing) });

    expect(keysOf(b)).toEqual([1]);
    expect(b.cursor(a)?.seq).toBe((missing?.seq ?? 0) - 1);
    const { request } = await b.step(a);
    expect(request).toMatchObject({ kind: 'subscribe', cursor: { seq: b.cursor(a)?.seq } });
    await settle(a, b);
    expectSame(a, b);
    expect(numbersOf(b.store)).toEqual(numbersOf(a.store));
  });

  test('of which the second of three commits fails is taken up to the first, and the rest comes again', async () => {
    // Each reading is later than a commit may last: so each transaction has one of its own.
    let steadyMs = 0;
    const commits = { failing: 0, failed: 0 };
    await using a = await Replica.open('a');
    await using b = await Replica.open('b', {
      steadyMs: () => (steadyMs += 100),
      wrap: (environment) => {
        const commit = environment.commit.bind(environment);
        environment.commit = async (body, kind) =>
          commit(() => {
            const done = body();
            if (commits.failing === 0 || (commits.failing -= 1) > 0) return done;
            commits.failed += 1;
            throw new Error('the disk did not take it');
          }, kind);
        return environment;
      },
    });
    await makeTable(a.store);
    await connect(a, b);
    await settle(a, b);
    for (const id of [1, 2, 3]) await a.upsert({ id });
    const answer = await askItems(b, a);
    const [first] = answer.items;
    expect(answer.items).toHaveLength(3);

    commits.failing = 2;
    await expect(b.receiver(a).accept(answer)).rejects.toThrow('the disk did not take it');

    expect(commits.failed).toBe(1);
    expect(keysOf(b)).toEqual([1]);
    expect(b.cursor(a)?.seq).toBe(first?.seq);
    expect(numbersOf(b.store)).toEqual(numbersOf(a.store).slice(0, 1));
    await settle(a, b);
    expectSame(a, b);
    expect(numbersOf(b.store)).toEqual(numbersOf(a.store));
    expect(keysOf(b)).toEqual([1, 2, 3]);
  });
});
