import { expect, test, vi } from 'vitest';
import { runLoop, type MakeLoop } from '../../src/runtime/run-loop.ts';
import { DirectLink } from './direct-link.ts';
import { directSession, rowOf } from './direct-session.ts';
import { openMesh } from './replica-pair.ts';
import { expectSame, keysOf, type Replica } from './replica.ts';
import { SessionPair } from './session-pair.ts';

const relayWaitMs = 60_000;

test.each(['pull', 'push'] as const)(
  'while the body of a stub is awaited its channel asks seldom, and goes on as soon as it is here, by %s',
  async (way) => {
    await using mesh = await openMesh();
    const { a, b, c } = mesh;
    const own = { relayWaitMs, otherSources: () => ['a'] };
    await using sessions = new SessionPair({ publisher: b, subscriber: c, way, own });
    const { link } = sessions;
    await a.upsert({ id: 1 });
    await b.follow(a);
    await b.upsert({ id: 2 });
    await sessions.heal();
    const stubs = (): number =>
      link.carried.filter((answer) => answer.kind === 'items' && answer.items.length === 2).length;
    const asked = async (times: number): Promise<number> => {
      await vi.waitFor(() => expect(stubs()).toBeGreaterThanOrEqual(times), { timeout: 10_000, interval: 5 });
      return performance.now();
    };
    const sinceMs = await asked(1);
    expect((await asked(3)) - sinceMs).toBeGreaterThan(700);
    expect(keysOf(c)).toEqual([]);

    await c.follow(a);

    await vi.waitFor(() => expect(keysOf(c)).toEqual([1, 2]), { timeout: 400, interval: 5 });
  },
);

test('while the body of a stub is awaited and the link is down nothing runs', async () => {
  await using mesh = await openMesh();
  const { a, b, c } = mesh;
  let bodies = 0;
  const makeLoop: MakeLoop = (options) =>
    runLoop({
      ...options,
      body: async (signal) => {
        bodies += 1;
        return options.body(signal);
      },
    });
  const link: DirectLink = new DirectLink(c, b, () => ({ push: async () => ({ next: null }) }), 1 << 20);
  await using session = directSession(c, b, link, 1 << 20, {
    relayWaitMs,
    otherSources: () => ['a'],
    makeLoop,
  });
  await a.upsert({ id: 1 });
  await b.follow(a);
  link.isOpen = true;
  await session.update({ ...rowOf(c, b), host: 'there', port: 1 });
  // Asked for again: it is known to be missing.
  await vi.waitFor(() => expect(link.carried.filter(({ kind }) => kind === 'items')).toHaveLength(2), 5_000);
  link.isOpen = false;
  session.linkChanged();

  await c.follow(a);
  bodies = 0;
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise(setImmediate);

  expect(bodies).toBeLessThan(20);
});

test('a node that was away catches up with a mesh by answers that are used whole', async () => {
  await using mesh = await openMesh({ maxBatchBytes: 1 << 20 });
  const { a, b, c } = mesh;
  const missed = 100;
  // Their logs take turns: each of the two waits for the other after every transaction.
  for (let number = 0; number < missed; number += 1) {
    await a.upsert({ id: `a${number}` });
    await b.follow(a);
    await b.upsert({ id: `b${number}` });
    await a.follow(b);
  }
  let items = 0;
  let questions = 0;
  const catchUp = async (publisher: Replica): Promise<void> => {
    const receiver = c.receiver(publisher);
    do {
      const { response } = await c.step(publisher);
      questions += 1;
      if (response.kind === 'items') items += response.items.length;
      await receiver.untilBody();
    } while (receiver.isBehind || receiver.state.kind === 'awaiting-body');
  };

  await Promise.all([a, b].map(catchUp));

  expect(keysOf(c)).toHaveLength(2 * missed);
  expect(items).toBeLessThan(3 * 2 * missed);
  expect(questions).toBeLessThan(20);
  expectSame(a, c);
});
