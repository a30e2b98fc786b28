import { describe, expect, test } from 'vitest';
import { makeTable, tableOf } from '../store/test-store.ts';
import { openPair } from './replica-pair.ts';
import { both, connect, Replica } from './replica.ts';

describe('a full quarantine', () => {
  const full = {
    kind: 'failed',
    reason: 'the quarantine is full: retry or skip what is in system.hdb_quarantine',
  };

  /** As many as there is room for, of one peer. */
  async function fillQuarantine(here: Replica, peer: Replica): Promise<void> {
    await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        here.store.replaceSystemDocument('hdb_quarantine', `full-${n}`, {
          id: `full-${n}`,
          reason: 'undecodable',
          detail: '',
          schema: 'dev',
          table: 'other',
          node: peer.name,
          store_id: peer.store.identity.storeId,
          channel_seq: n,
          quarantined_at: 0,
          item: '',
        }),
      ),
    );
  }

  test('stops a copy, which says so and does not ask again at once', async () => {
    await using nodes = await openPair({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    a.pass(3_600_000);
    await a.upsert({ id: 'early' });
    await fillQuarantine(b, a);

    for (let round = 0; round < 3 || (b.receiver(a).isBehind && round < 12); round += 1) await b.step(a);

    expect.soft(b.receiver(a).isBehind).toBe(false);
    expect(b.receiver(a).state).toEqual(full);
  });

  test('stops a transaction over two channels, which say so and do not ask again at once', async () => {
    await using a = await Replica.open('a', { maxClockSkewMs: 60_000 });
    await using b = await Replica.open('b', { maxClockSkewMs: 60_000 });
    const names = ['dog', 'cat'];
    for (const name of names) await makeTable(a.store, name);
    await connect(a, b, both, names);
    for (const name of names) await b.follow(a, name);
    await fillQuarantine(b, a);
    a.pass(3_600_000);
    await a.store.transact(
      names.map((name) => ({
        table: tableOf(a.store, name),
        operation: 'upsert' as const,
        documents: [{ id: 1 }],
      })),
      undefined,
    );

    let asked = 0;
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        names.map(async (name) => {
          if (round > 0 && !b.receiver(a, name).isBehind) return;
          asked += 1;
          await b.step(a, name);
        }),
      );

    expect.soft(asked).toBeLessThan(10);
    expect(names.map((name) => b.receiver(a, name).state)).toContainEqual(full);
  });
});
