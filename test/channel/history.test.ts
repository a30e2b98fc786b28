import { cp } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { WholeItem } from '../../src/model/transaction.ts';
import { encodeChanges, encodeItem } from '../../src/model/transaction-codec.ts';
import { makeTable } from '../store/test-store.ts';
import { openPair } from './replica-pair.ts';
import { connect, expectSame, greet, keysOf, Replica, settle } from './replica.ts';
import { writeHeader } from '../store/write-header.ts';

describe('a cursor that the publisher cannot serve', () => {
  test('a trimmed log leads to a copy, and a cursor at its very end does not', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    await a.store.purgeChannel(a.table, {});
    await b.restart();
    expect((await b.follow(a)).map(({ response }) => response.kind)).not.toContain('page');

    await a.upsert({ id: 2 });
    await a.delete(1);
    await a.upsert({ id: 3 });
    await a.store.purgeChannel(a.table, { keep: 1 });
    const kinds = (await b.follow(a)).map(({ response }) => response.kind);

    expect(kinds).toContain('page');
    await settle(a, b);
    expectSame(a, b);
    expect(keysOf(b)).toEqual([2, 3]);
  });

  test('a restored older backup of the publisher leads to a copy, and nothing is lost on either side', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    const backup = await a.backUp('backup');
    await a.upsert({ id: 2 }, { id: 3 });
    await b.upsert({ id: 4 });
    await settle(a, b);
    const lostId = a.store.identity.storeId;

    await a.restart({ path: backup });
    expect(keysOf(a)).toEqual([1]);
    expect(a.store.identity.storeId).not.toBe(lostId);
    await a.upsert({ id: 5 }, { id: 6 });
    await greet(a, b);
    const kinds = (await b.follow(a)).map(({ response }) => response.kind);
    await settle(a, b);

    expect(kinds).toContain('page');
    expectSame(a, b);
    expect(keysOf(a)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('an older backup put over the data file of the publisher loses no write made since', async () => {
    await using nodes = await openPair({}, { publish: true, subscribe: true });
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    const backup = await a.backUp('backup');
    for (const id of [2, 3, 4]) await a.upsert({ id });
    await settle(a, b);

    await a.restart({}, async () => cp(backup, a.path, { recursive: true }));
    expect(keysOf(a)).toEqual([1]);
    await a.upsert({ id: 'first after' });
    await greet(a, b);
    await settle(a, b);
    await a.upsert({ id: 'second after' });
    await settle(a, b);

    expectSame(a, b);
    expect(keysOf(b)).toEqual([1, 2, 3, 4, 'first after', 'second after']);
  });

  test('a cursor beyond everything that the publisher has ever logged leads to a copy', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    await a.upsert({ id: 2 });
    await a.delete(1);
    const cursor = b.cursor(a) ?? expect.fail('no cursor');
    const claimed = { ...cursor, seq: cursor.seq + 10, id: 'never logged' };
    await b.store.putCursor(a.store.identity.storeId, b.table, claimed);
    b.receiver(a).restart();
    const { storeId } = a.store.identity;

    // Whoever names what the log never had tells the publisher that it went back: it becomes another store.
    await b.step(a);
    expect(a.store.identity.storeId).not.toBe(storeId);
    await greet(a, b);
    const kinds = (await b.follow(a)).map(({ response }) => response.kind);
    await settle(a, b);

    expect(kinds).toContain('page');
    expectSame(a, b);
    expect(keysOf(b)).toEqual([2]);
  });

  test('a peer cannot make a node another store again and again by naming what it never had', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    const claim = async (): Promise<string> => {
      const { storeId } = a.store.identity;
      const cursor = { storeId, incarnation: a.table.incarnation, seq: 1_000_000, id: 'never logged' };
      await a.server().answer('b', {
        kind: 'pull',
        channel: 'dev:dog',
        cursor,
        sources: [],
        bodies: false,
        pieces: 0,
      });
      return a.store.identity.storeId;
    };

    const drawn = await claim();
    const again = await claim();

    expect(again).toBe(drawn);
    await greet(a, b);
    await settle(a, b);
    await a.upsert({ id: 2 });
    await settle(a, b);
    expectSame(a, b);
    // A store that is opened again may be an older one.
    await a.restart();
    expect(await claim()).not.toBe(drawn);
  });

  test('a publisher that goes on claiming what this store never made is refused, and asked now and then', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    const claimed = async (): Promise<void> => {
      const { seq = 0 } = b.cursor(a) ?? {};
      const item: WholeItem = {
        kind: 'whole',
        seq: seq + 1,
        header: writeHeader(`forged-${seq}`, b.store.identity, b.store.clock + 1),
        originPlace: { incarnation: b.table.incarnation, seq: 1_000_000 },
        parts: [{ channel: 'dev:dog', seq: seq + 1 }],
        changes: encodeChanges([]),
      };
      await b.receiver(a).accept({
        kind: 'items',
        identity: { storeId: a.store.identity.storeId, incarnation: a.table.incarnation },
        items: [{ seq: item.seq, id: item.header.id, bytes: encodeItem(item) }],
        head: { seq: item.seq, committedAtMs: 0 },
        hasStream: false,
      });
    };
    const { storeId } = b.store.identity;
    await claimed();
    const drawn = b.store.identity.storeId;
    expect(drawn).not.toBe(storeId);
    await greet(a, b);
    await settle(a, b);

    await claimed();

    expect(b.store.identity.storeId).toBe(drawn);
    expect(b.receiver(a).state).toMatchObject({ kind: 'failed', reason: expect.stringContaining('a') });
    expect(b.receiver(a).mayAsk()).toBe(false);
  });

  test('a table that was dropped and made again at the publisher is another history', async () => {
    await using nodes = await openPair({}, { publish: true, subscribe: false });
    const { a, b } = nodes;
    await a.upsert({ id: 1 }, { id: 2 });
    await settle(a, b);
    await a.store.catalog.dropTable('dev', 'dog');
    await makeTable(a.store);
    await a.upsert({ id: 3 });
    await connect(a, b, { publish: true, subscribe: false });

    await settle(a, b);

    expect(keysOf(b)).toEqual([1, 2, 3]);
    await a.upsert({ id: 4 });
    await settle(a, b);
    expect(keysOf(b)).toEqual([1, 2, 3, 4]);
  });

  test('rows of the dropped table that were still on their way come back to the table that was made again', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await makeTable(b.store);
    await b.upsert({ id: 1 });
    await a.step(b);
    const { response } = await a.ask(b);
    if (response.kind !== 'page') throw new Error(response.kind);
    await b.store.catalog.dropTable('dev', 'dog');
    await makeTable(b.store);
    await connect(b, a);
    await b.follow(a);

    // Behind the place where b has begun.
    await a.receiver(b).accept(response);
    await settle(a, b);

    expectSame(a, b);
    expect(keysOf(b)).toEqual([1]);
  });

  test('a write of the dropped table that comes back late is a write like any other', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await using c = await Replica.open('c');
    await connect(a, c);
    await connect(b, c);
    await settle(a, b, c);
    // Only c hears of it, and is then cut off from a for good.
    await a.upsert({ id: 'late' });
    await c.follow(a);
    for (const [one, other] of [
      ['a', c],
      ['c', a],
    ] as const)
      other.cut.add(one);
    await a.store.catalog.dropTable('dev', 'dog');
    await makeTable(a.store);
    await connect(a, b);
    await a.follow(b);

    await settle(a, b, c);

    expect(keysOf(b)).toEqual(['late']);
    expectSame(a, b, c);
  });
});
