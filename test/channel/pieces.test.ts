import { describe, expect, test } from 'vitest';
import type { ChannelResponse } from '../../src/channel/protocol.ts';
import type { PieceItem } from '../../src/model/transaction.ts';
import { encodeItem, openFrame } from '../../src/model/transaction-codec.ts';
import { StoreCounter } from '../budget/store-counter.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';
import { tearNodeRow } from '../store/tear-node-row.ts';
import { makeTable, numbersOf } from '../store/test-store.ts';
import { openMesh, openPair, records, type Pair } from './replica-pair.ts';
import { both, connect, expectSame, keysOf, Replica, settle } from './replica.ts';

/** A pair in the middle of a transaction: some of its pieces have come. */
async function openHalfWay(): Promise<Pair> {
  const nodes = await openPair({ maxBatchBytes: 1_000 });
  const { a, b } = nodes;
  await settle(a, b);
  await a.upsert(...records(20, 'x'.repeat(500)));
  for (let piece = 0; piece < 5; piece += 1) await b.step(a);
  return nodes;
}

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
    await using nodes = await openHalfWay();
    const { a, b } = nodes;
    expect((await b.dump())['spool']).not.toEqual([]);
    expect(keysOf(b)).toEqual([]);

    await b.restart();
    await settle(a, b);

    expectSame(a, b);
    expect((await b.dump())['spool']).toEqual([]);
  });

  test.each<{ readonly what: string; readonly end: (nodes: Pair) => Promise<unknown> }>([
    {
      what: 'the publisher is another store',
      end: async ({ a, b }) => {
        await a.store.redrawIdentity();
        await b.hear(a);
      },
    },
    {
      what: 'the publisher is removed',
      end: async ({ a, b }) =>
        b.store.nodes.update(a.name, (row) => row && { ...row, subscriptions: [], removedVersion: 2 ** 52 }),
    },
    {
      what: 'the subscription ends',
      end: async ({ a, b }) => b.store.putCursor(a.store.identity.storeId, b.table, undefined),
    },
  ])('leaves nothing of what had come where $what', async ({ end }) => {
    await using nodes = await openHalfWay();
    const { b } = nodes;
    expect((await b.dump())['spool']).not.toEqual([]);

    await end(nodes);

    expect((await b.dump())['spool']).toEqual([]);
  });

  test('keeps what has come where another peer changes, or a row cannot be read', async () => {
    await using nodes = await openHalfWay();
    const { b } = nodes;
    const before = (await b.dump())['spool'];

    await b.store.nodes.put({ name: 'c', storeId: 'c', addedVersion: 1, subscriptions: [] });
    await b.store.nodes.put({ name: 'c', storeId: 'd', addedVersion: 1, subscriptions: [] });
    await tearNodeRow(b.path, 'a');
    b.store.refresh();
    await b.store.nodes.put({ name: 'c', storeId: 'e', addedVersion: 1, subscriptions: [] });

    expect(before).not.toEqual([]);
    expect((await b.dump())['spool']).toEqual(before);
  });

  test('is read once, however many pieces it has', async () => {
    const store = new StoreCounter();
    await using a = await Replica.open('a', { maxBatchBytes: 1_000, wrap: store.wrap });
    await using b = await Replica.open('b', { maxBatchBytes: 1_000 });
    await makeTable(a.store);
    await connect(a, b, both);
    await settle(a, b);
    await a.upsert(...records(20, 'x'.repeat(500)));
    let pieces = 0;

    const counts = await store.counting(async () => {
      while (keysOf(b).length === 0) {
        await b.step(a);
        pieces += 1;
      }
    });

    expect(pieces).toBeGreaterThan(10);
    // Once for its pieces, once for when it was committed.
    expect(counts['log gets']).toBe(2);
  });

  test('comes whole to each of two that fetch different ones in turn', async () => {
    await using mesh = await openMesh({ maxBatchBytes: 1_000 });
    const { a, b, c } = mesh;
    await a.upsert(...records(20, 'x'.repeat(500)));
    await b.follow(a);
    await a.upsert(...records(20, 'y'.repeat(500)));
    const inTurn: number[] = [];

    for (const subscriber of Array.from({ length: 5 }, () => [b, c]).flat()) {
      const { response } = await subscriber.step(a);
      if (response.kind === 'items') inTurn.push(...response.items.map(({ seq }) => seq));
    }

    const [ofB, ofC] = inTurn;
    expect(ofB).not.toBe(ofC);
    expect(inTurn).toEqual(Array.from({ length: 5 }, () => [ofB, ofC]).flat());
    await settle(a, b, c);
    expectSame(a, b, c);
    expect((await b.dump())['spool']).toEqual([]);
    expect((await c.dump())['spool']).toEqual([]);
  });
});

describe('pieces that are none', () => {
  const good: PieceItem = { kind: 'piece', seq: 0, id: '', index: 0, count: 3, bytes: Buffer.alloc(500) };

  test.each<[string, Partial<PieceItem> | ((seq: number, id: string) => Partial<PieceItem>)]>([
    ['of which there are too many', { count: 2 ** 40 }],
    ['that are more than a transaction may have', { count: 1 << 20, bytes: Buffer.alloc(900) }],
    ['that are empty', { bytes: Buffer.alloc(0) }],
    ['behind the last one', { index: 3 }],
    ['that make no transaction', { count: 1 }],
    ['that make a piece', (seq, id) => ({ count: 1, bytes: encodeItem({ ...good, seq, id }) })],
  ])('%s wait in quarantine, and what comes behind them is applied', async (_, changes) => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 });
    const { a, b } = nodes;
    await settle(a, b);
    await a.upsert(...records(20, 'x'.repeat(500)));
    const { response } = await b.ask(a);
    const [item] = response.kind === 'items' ? response.items : [];
    if (!item) throw new Error('Nothing has come');
    const { seq, id } = item;
    const piece = typeof changes === 'function' ? changes(seq, id) : changes;
    const bytes = encodeItem({ ...good, seq, id, ...piece });

    await b.receiver(a).accept({ ...response, items: [{ ...item, bytes }] } as ChannelResponse);
    await a.upsert({ id: 'after' });
    await b.follow(a);

    expect(keysOf(b)).toEqual(['after']);
    expect(quarantinedAt(b.store)).toHaveLength(1);
    expect((await b.dump())['spool']).toEqual([]);
  });
});
