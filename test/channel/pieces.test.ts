import { describe, expect, test } from 'vitest';
import { openFrame } from '../../src/model/transaction-codec.ts';
import { numbersOf } from '../store/test-store.ts';
import { openPair, records } from './replica-pair.ts';
import { expectSame, keysOf, settle } from './replica.ts';

describe('a transaction larger than a message', () => {
  test('comes in pieces and applies in one commit, with its cursor', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 });
    const { a, b } = nodes;
    await a.upsert({ id: 'before' });
    await settle(a, b);
    await a.upsert(...records(20, 'x'.repeat(500)));
    const seq = b.cursor(a)?.seq;

    let exchanges = 0;
    while (b.cursor(a)?.seq === seq) {
      expect(keysOf(b)).toEqual(['before']);
      const { response } = await b.step(a);
      expect(
        response.kind === 'items' &&
          openFrame(response.items[0] ?? { seq: 0, id: '', bytes: new Uint8Array() }).kind,
      ).toBe('piece');
      exchanges += 1;
    }

    expect(exchanges).toBeGreaterThan(10);
    expect(keysOf(b).filter((key) => typeof key === 'number')).toHaveLength(20);
    expect(numbersOf(b.store)).toHaveLength(2);
    await a.upsert({ id: 'after' });
    await settle(a, b);
    expectSame(a, b);
    expect((await b.dump())['spool']).toEqual([]);
  });

  test('begins again with its first piece after a restart', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 });
    const { a, b } = nodes;
    await settle(a, b);
    await a.upsert(...records(20, 'x'.repeat(500)));
    for (let piece = 0; piece < 5; piece += 1) await b.step(a);
    expect((await b.dump())['spool']).not.toEqual([]);
    expect(keysOf(b)).toEqual([]);

    await b.restart();
    await settle(a, b);

    expectSame(a, b);
    expect((await b.dump())['spool']).toEqual([]);
  });
});
