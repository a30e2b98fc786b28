import { expect, test, vi } from 'vitest';
import type * as z from 'zod';
import type { DirectLink } from './direct-link.ts';
import { Outage } from './outage.ts';
import { openTables, transact, twoTables } from './replica-pair.ts';
import { keysOf, type Replica } from './replica.ts';
import { SessionPair } from './session-pair.ts';

test.each(['pull', 'push'] as const)(
  'a link that comes back may carry less than before: little is asked at first, by %s',
  async (way) => {
    await using outage = await Outage.of({ raw: 1 }, way, 256 << 10);
    await outage.write('raw', 1_500);
    await outage.heal('raw');
    const grown = outage.mostAtOnce('raw');
    outage.cut();
    const before = outage.link.carried.length;
    await outage.write('raw', 1_500, 1_500);

    await outage.heal('raw');

    const counts = outage.counts('raw', before);
    expect(counts[0]).toBeLessThanOrEqual(grown / 2);
    expect(Math.max(...counts)).toBeGreaterThan(1.5 * (counts[0] ?? 0));
  },
);

/** Loses the answer of dog, and itself, once that of cat has come; the answers of cat so far. */
function loseHalf(link: DirectLink): () => number {
  const request = link.request.bind(link);
  let cats = 0;
  link.request = async <T>(service: string, body: unknown, schema: z.ZodType<T>): Promise<T> => {
    const answer = await request(service, body, schema);
    const { channel } = body as { readonly channel: string };
    const { items = [] } = answer as { readonly items?: readonly unknown[] };
    if (cats > 0 || (channel === 'dev:dog' && items.length > 0)) throw new Error('lost');
    if (channel === 'dev:cat' && items.length > 0) {
      cats += 1;
      link.isOpen = false;
    }
    return answer;
  };
  return () => cats;
}

test('a link that is lost between two parts of a transaction leaves neither, whatever its peer had pushed before', async () => {
  await using nodes = await openTables();
  const { a, b } = nodes;
  b.forgetReceivers();
  await using sessions = new SessionPair({ publisher: a, subscriber: b, way: 'pull' });
  const { dialling, link } = sessions;
  await sessions.meet();
  // The peer dialled first, and had nothing to tell of dog yet.
  await dialling.push({ channel: 'dev:dog', response: null });
  await dialling.push({ channel: 'dev:dog', response: { kind: 'waiting', reason: 'not yet' } });
  link.isOpen = true;
  dialling.linkChanged();
  await writeTo(a, 0);
  const held = (): unknown => twoTables.map((name) => keysOf(b, name));
  await vi.waitFor(() => expect(held()).toEqual([[0], [0]]), { timeout: 10_000 });
  const lost = loseHalf(link);

  await transact(a, 1);
  await vi.waitFor(() => expect(lost()).toBe(1), { timeout: 10_000 });
  // Longer than a part waits for another one.
  await new Promise((resolve) => setTimeout(resolve, 3_000));

  expect(held()).toEqual([[0], [0]]);
});

/** A record of its own for each table. */
async function writeTo({ store }: Replica, id: number): Promise<void> {
  for (const name of twoTables) {
    const table = store.catalog.table('dev', name);
    if (!table) throw new Error(`There is no table ${name}`);
    await store.write({ table, operation: 'upsert', documents: [{ id }] });
  }
}
