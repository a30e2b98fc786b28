import { expect, test } from 'vitest';
import { Outage } from './outage.ts';
import { openPair } from './replica-pair.ts';
import { settle } from './replica.ts';

test.each(['pull', 'push'] as const)(
  'over a link that carries much and is far away more and more is asked, by %s',
  async (way) => {
    await using outage = await Outage.of({ raw: 1 }, way, 256 << 10);
    outage.link.roundTripMs = 350;
    await outage.write('raw', 1_000);

    await outage.heal('raw');

    const counts = outage.counts('raw');
    expect(outage.mostAtOnce('raw')).toBeGreaterThan(3 * (counts[0] ?? 0));
    expect(counts[0]).toBeLessThan(200);
  },
);

test('an answer that waited for something to be written was not slow, one that was asked for behind is', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await settle(a, b);
  const receiver = b.receiver(a);
  /** Most bytes that are asked for, before and after an answer that takes a minute. */
  const askedAround = async (): Promise<number[]> => {
    const first = await b.ask(a);
    b.pass(60_000);
    await receiver.accept(first.response);
    const second = await b.ask(a);
    return [first, second].map(({ request }) => ('maxBytes' in request && request.maxBytes) || 0);
  };

  await a.upsert({ id: 'waited for' });
  const [first = 0, second] = await askedAround();
  expect(second).toBe(first);

  await a.upsert(...Array.from({ length: 2_000 }, (_, id) => ({ id, text: 'x'.repeat(100) })));
  await a.upsert({ id: 'behind' });
  await b.step(a);
  const [third = 0, fourth] = await askedAround();
  expect(fourth).toBe(third / 2);
});
