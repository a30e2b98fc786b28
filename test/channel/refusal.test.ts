import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Change, Origin } from '../../src/model/change.ts';
import type { WholeItem } from '../../src/model/transaction.ts';
import { stoppedReason } from '../../src/model/subscription.ts';
import { encodeChanges, encodeDocument, encodeItem } from '../../src/model/transaction-codec.ts';
import { maintain, makeTable, rowsOf, tableOf } from '../store/test-store.ts';
import { connectMesh, openPair } from './replica-pair.ts';
import { both, connect, expectSame, greet, keysOf, Replica, settle, sourceOf } from './replica.ts';
import { SessionPair } from './session-pair.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';
import { writeHeader } from '../store/write-header.ts';

describe('what is refused', () => {
  test('another primary key fails, says so, and takes nothing', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await b.store.catalog.createTable({ database: 'dev', name: 'dog', primaryKey: 'name' });
    await a.upsert({ id: 1 });

    await b.follow(a);

    expect(b.receiver(a).state).toEqual({
      kind: 'failed',
      reason: "primary key differs: 'name' there, 'id' at a",
    });
    expect(rowsOf(b.store)).toEqual([]);
  });

  test('no table is made whose keys the times of its records would write over', async () => {
    await using a = await Replica.open('a');
    await using b = await Replica.open('b');
    const table = { database: 'dev', name: 'dog', primaryKey: '__createdtime__' };
    await a.store.catalog.createTable({ ...table, schemaDefined: true });
    await connect(a, b);

    await b.follow(a);

    expect(b.receiver(a).state).toEqual({
      kind: 'failed',
      reason: "primary key '__createdtime__' of a is where tables that are made here keep the time",
    });
    expect(b.store.catalog.table('dev', 'dog')).toBeUndefined();
    await b.store.catalog.createTable({ ...table, schemaDefined: true });
    await a.upsert({ __createdtime__: 1 });
    await b.follow(a);
    expect(rowsOf(b.store)).toHaveLength(1);
  });

  test('a table that was dropped at the subscriber is not made again by what comes', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    const inFlight = await b.ask(a);
    await b.store.catalog.dropTable('dev', 'dog');
    await a.upsert({ id: 2 });

    await b.receiver(a).accept(inFlight.response);
    await b.follow(a);
    expect(b.receiver(a).state).toEqual({ kind: 'waiting', reason: stoppedReason() });
    await greet(a, b);
    await b.restart();
    await b.follow(a);

    expect(b.store.catalog.table('dev', 'dog')).toBeUndefined();
    expect(b.receiver(a).state.kind).toBe('waiting');
    expect(keysOf(a)).toEqual([1, 2]);
  });

  test('a channel that is not published to the asker waits, and shows nothing', async () => {
    await using nodes = await openPair({}, { publish: false, subscribe: true });
    const { a, b } = nodes;
    await a.upsert({ id: 1 });

    const { response } = await b.step(a);

    expect(response).toEqual({ kind: 'waiting', reason: 'a does not publish dev.dog to b' });
  });

  const stranger = (storeId: string): Origin => ({ name: 'x', storeId });

  function forged(storeId: string, seq: number, channels: readonly string[]): WholeItem {
    const origin = stranger(storeId);
    const change: Change = {
      key: 'forged',
      version: 1_800_000_000_000_000,
      origin,
      base: null,
      bytes: encodeDocument({ id: 'forged' }),
    };
    return {
      kind: 'whole',
      seq,
      header: writeHeader(`forged ${seq} aaaaaaa`, origin, change.version),
      originPlace: { incarnation: 'forged', seq: 5 },
      parts: channels.map((channel) => ({ channel, seq })),
      changes: encodeChanges([change]),
    };
  }

  test('a transaction that names the subscriber as its origin, which never made it, makes it another store', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    const source = sourceOf(a, b);
    const before = rowsOf(b.store);
    const seq = (b.cursor(a)?.seq ?? 0) + 1;
    const item = forged(b.store.identity.storeId, seq, ['dev:dog']);

    await b.receiver(a).accept({
      kind: 'items',
      identity: { storeId: source.storeId, incarnation: source.incarnation },
      items: [
        {
          seq,
          id: item.header.id,
          bytes: encodeItem({
            ...item,
            originPlace: { incarnation: b.table.incarnation, seq: b.store.log.head(b.table.id).headSeq + 1 },
          }),
        },
      ],
      head: { seq, committedAtMs: 0 },
      hasStream: false,
    });

    expect(b.store.identity.storeId).not.toBe(item.header.origin.storeId);
    expect(b.receiver(a).state.kind).toBe('subscribing');
    expect(rowsOf(b.store)).toEqual(before);
    await settle(a, b);
    expect(keysOf(b)).toEqual([1]);
  });

  test('one that claims so in the parts of several channels', async () => {
    await using a = await Replica.open('a');
    await using b = await Replica.open('b');
    for (const name of ['dog', 'cat']) await makeTable(a.store, name);
    await connect(a, b, both, ['dog', 'cat']);
    await a.upsert({ id: 1 });
    for (const name of ['dog', 'cat']) await b.follow(a, name);
    const before = await b.dump();

    const parts = ['dog', 'cat'].map((name) => {
      const table = tableOf(b.store, name);
      const seq = (b.cursor(a, name)?.seq ?? 0) + 1;
      const item = {
        ...forged(b.store.identity.storeId, seq, ['dev:dog', 'dev:cat']),
        originPlace: { incarnation: table.incarnation, seq: b.store.log.head(table.id).headSeq + 1 },
      };
      return { source: sourceOf(a, b, name), item };
    });
    await b.store.applyTogether([parts]);

    expect(keysOf(b)).toEqual([1]);
    expect(await b.dump()).toEqual(before);
  });

  test('a transaction that cannot be read goes to quarantine, and the channel goes on', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    await a.upsert({ id: 2 });
    await a.upsert({ id: 3 });
    const { response } = await b.ask(a);
    if (response.kind !== 'items') throw new Error(`expected items, got ${response.kind}`);
    const [bad, good] = response.items;
    const garbled = { ...response, items: bad && good ? [{ ...bad, bytes: Uint8Array.of(0xc1) }, good] : [] };

    await b.receiver(a).accept(garbled);

    expect(keysOf(b)).toEqual([1, 3]);
    expect(b.cursor(a)?.seq).toBe(good?.seq);
    expect(quarantinedAt(b.store)).toHaveLength(1);
    const before = await b.dump();
    await b.receiver(a).accept(garbled);
    expect(await b.dump()).toEqual(before);
  });

  test('what could not be read is brought by the comparison that follows', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 }, { id: 'deleted' });
    await settle(a, b);
    await a.upsert({ id: 1, changed: true }, { id: 2 });
    await a.delete('deleted');
    const { response } = await b.ask(a);
    if (response.kind !== 'items') throw new Error(`expected items, got ${response.kind}`);
    const items = response.items.map((item) => ({ ...item, bytes: Uint8Array.of(0xc1) }));
    await b.receiver(a).accept({ ...response, items });
    expect(quarantinedAt(b.store)).toHaveLength(2);
    expect(keysOf(b)).toEqual([1, 'deleted']);

    await settle(a, b);

    expectSame(a, b);
    expect(keysOf(b)).toEqual([1, 2]);
  });

  test('a transaction that is far ahead of the clock waits, and applies by itself when time has caught up', async () => {
    await using nodes = await openPair({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await settle(a, b);
    a.pass(3_600_000);
    await a.upsert({ id: 'early' });
    await b.follow(a);
    expect(keysOf(b)).toEqual([]);
    expect(quarantinedAt(b.store)).toHaveLength(1);
    await b.upsert({ id: 'now' });
    const [now] = rowsOf(b.store);
    expect(now?.version).toBeLessThan(1_800_001_000_000_000);

    b.pass(3_600_000);
    await maintain(b.store);
    await settle(a, b);

    expect(keysOf(b)).toEqual(['early', 'now']);
    expectSame(a, b);
  });
});

test('what was given up here still comes by another way, though rows that its publisher has from here came behind it', async () => {
  await using nodes = await connectMesh({ maxClockSkewMs: 1_000 });
  const { a, b, c } = nodes;
  await b.follow(a);
  await c.follow(a);
  await b.follow(c);
  a.pass(10_000);
  c.pass(10_000);
  await a.upsert({ id: 'early' });
  await b.upsert({ id: 'here' });
  // A copy: what a logs of it goes to b as a stub.
  await a.follow(b);
  await b.follow(a);
  const [quarantined] = quarantinedAt(b.store);
  b.pass(10_000);
  await b.store.skipQuarantined(quarantined?.id ?? '');
  expect(keysOf(b)).toEqual(['here']);
  expect(b.cursor(a)?.seq).toBe(2);
  await c.follow(a);

  await b.follow(c);

  expect(keysOf(b)).toEqual(['early', 'here']);
});

test.each(['pull', 'push'] as const)(
  'a channel that is refused is not asked for at the speed of the link, by %s',
  async (way) => {
    await using a = await Replica.open('a');
    await using b = await Replica.open('b');
    await makeTable(a.store);
    await b.store.catalog.createTable({ database: 'dev', name: 'dog', primaryKey: 'name' });
    await connect(a, b, { publish: true, subscribe: false });
    await using sessions = new SessionPair({ publisher: a, subscriber: b, way, maxBatchBytes: 16 << 10 });
    const { carried } = sessions.link;
    await sessions.heal();
    const refusals = (): number => carried.filter(({ kind }) => kind === 'refused').length;
    await vi.waitFor(() => expect(refusals()).toBeGreaterThan(0), { timeout: 10_000 });

    await pause(1_500);

    expect(refusals()).toBeLessThan(10);
  },
);
