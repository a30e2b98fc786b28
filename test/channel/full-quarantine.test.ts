import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Document } from '../../src/model/change.ts';
import { makeTable } from '../store/test-store.ts';
import { openPair, openTables, transact, twoTables } from './replica-pair.ts';
import { connect, keysOf, Replica } from './replica.ts';
import { SessionPair } from './session-pair.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

describe('a full quarantine', () => {
  const full = {
    kind: 'quarantine-full',
    reason: 'the quarantine is full: retry or skip what is in system.hdb_quarantine',
  };

  /** As many as there is room for, of one peer, or less. */
  async function fillQuarantine(
    here: Replica,
    peer: Replica,
    count = 1_000,
    storeId = peer.store.identity.storeId,
  ): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        here.store.replaceSystemDocument('hdb_quarantine', `${n}-full`, {
          id: `${n}-full`,
          reason: 'undecodable',
          detail: '',
          schema: 'dev',
          table: 'other',
          node: peer.name,
          store_id: storeId,
          channel_seq: n,
          quarantined_at: 0,
          item: '',
        }),
      ),
    );
  }

  test('is that of a peer, whatever stores it says that it has', async () => {
    await using nodes = await openPair({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await fillQuarantine(b, a, 1_000, 'another store');

    a.pass(3_600_000);
    await a.upsert({ id: 'early' });
    for (let round = 0; round < 3 || (b.receiver(a).isBehind && round < 12); round += 1) await b.step(a);

    expect(b.receiver(a).state).toEqual(full);
  });

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
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await fillQuarantine(b, a);
    a.pass(3_600_000);
    await transact(a, 1);

    let asked = 0;
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        twoTables.map(async (name) => {
          if (round > 0 && !b.receiver(a, name).isBehind) return;
          asked += 1;
          await b.step(a, name);
        }),
      );

    // One of them may ask again each time that it has waited for the other.
    expect.soft(asked).toBeLessThanOrEqual(twoTables.length + 9);
    expect(twoTables.map((name) => b.receiver(a, name).state)).toContainEqual(full);
  });

  test('takes no part of a transaction over two channels when there is room for one only', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await fillQuarantine(b, a, 999);
    a.pass(3_600_000);
    await transact(a, 1);

    for (let round = 0; round < 3; round += 1)
      await Promise.all(twoTables.map(async (name) => b.step(a, name)));

    expect(quarantinedAt(b.store)).toHaveLength(999);
  });

  test('holds up what is behind it in one channel, and the part of it in another one with it', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await fillQuarantine(b, a);
    a.pass(3_600_000);
    await a.upsert({ id: 'early' });
    a.pass(-3_600_000);
    await transact(a, 1);

    for (let round = 0; round < 3; round += 1)
      await Promise.all(twoTables.map(async (name) => b.step(a, name)));

    expect(b.receiver(a, 'dog').state).toEqual(full);
    expect(twoTables.map((name) => keysOf(b, name))).toEqual([[], []]);
  });

  test('is tried again more and more seldom, or as soon as there is room', async () => {
    await using nodes = await openPair({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await b.follow(a);
    await fillQuarantine(b, a);
    a.pass(3_600_000);
    await a.upsert({ id: 'early' });
    const receiver = b.receiver(a);
    let tries = 0;
    for (let second = 0; second < 600; second += 1) {
      if (receiver.mayAsk()) {
        tries += 1;
        await b.follow(a);
      }
      b.pass(1_000);
    }
    expect(receiver.state).toEqual(full);
    // 1, 2, 4 ... seconds apart, then each minute.
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(20);

    await b.store.skipQuarantined('0-full');
    b.pass(1_000);
    expect(receiver.mayAsk()).toBe(true);
    await b.follow(a);

    expect(receiver.state).toMatchObject({ kind: 'following' });
    expect(quarantinedAt(b.store)).toHaveLength(1_000);
  });

  test.each(['pull', 'push'] as const)(
    'does not make a copy ask at the speed of the link, by %s',
    async (way) => {
      await using a = await Replica.open('a', { maxClockSkewMs: 60_000 });
      await using b = await Replica.open('b', { maxClockSkewMs: 60_000 });
      await makeTable(a.store);
      await connect(a, b, { publish: true, subscribe: false });
      a.pass(3_600_000);
      await a.upsert({ id: 'early' });
      await fillQuarantine(b, a);
      await using sessions = new SessionPair({ publisher: a, subscriber: b, way, maxBatchBytes: 16 << 10 });
      const { carried } = sessions.link;
      await sessions.heal();
      const pages = (): number => carried.filter(({ kind }) => kind === 'page').length;
      await vi.waitFor(() => expect(pages()).toBeGreaterThan(0), { timeout: 10_000 });

      await pause(1_500);

      expect(pages()).toBeLessThan(15);
    },
  );
});

describe('a quarantine that is full of bytes', () => {
  const text = 'x'.repeat(1_000);

  function rowsIn({ store }: Replica): Document[] {
    const quarantine = store.catalog.table('system', 'hdb_quarantine') ?? expect.fail('no quarantine');
    return [...store.search(quarantine, {})];
  }

  /** Numbers of the transactions that wait. */
  function waitingAt(replica: Replica): number[] {
    return rowsIn(replica)
      .map((row) => Number(row['channel_seq']))
      .toSorted((one, other) => one - other);
  }

  test('takes nothing more of a peer before there is room', async () => {
    await using nodes = await openPair({ maxClockSkewMs: 60_000, maxQuarantineBytes: 3_000 });
    const { a, b } = nodes;
    await b.follow(a);
    a.pass(3_600_000);
    for (const id of [1, 2, 3, 4]) await a.upsert({ id, text });

    await b.follow(a);

    // Each takes more than 1,500 bytes, and less than 3,000.
    expect(waitingAt(b)).toEqual([1, 2]);
    expect(b.receiver(a).state.kind).toBe('quarantine-full');
    expect(b.cursor(a)?.seq).toBe(2);

    const first = rowsIn(b).find((row) => row['channel_seq'] === 1);
    await b.store.replaceSystemDocument('hdb_quarantine', String(first?.['id']), null);
    b.pass(60_000);
    await b.follow(a);

    expect(waitingAt(b)).toEqual([2, 3]);
    expect(b.cursor(a)?.seq).toBe(3);
  });

  test('takes a transaction that is larger than all of it while it is empty, and what another peer sends', async () => {
    await using nodes = await openPair({ maxClockSkewMs: 60_000, maxQuarantineBytes: 3_000 });
    const { a, b } = nodes;
    await using c = await Replica.open('c', { maxClockSkewMs: 60_000 });
    await makeTable(c.store);
    await connect(c, b);
    await b.follow(a);
    await b.follow(c);
    a.pass(3_600_000);
    c.pass(3_600_000);
    await a.upsert({ id: 1, text: text.repeat(10) });
    await a.upsert({ id: 2 });
    await c.upsert({ id: 3 });

    await b.follow(a);
    await b.follow(c);

    expect(waitingAt(b)).toEqual([1, 1]);
    expect(b.receiver(a).state.kind).toBe('quarantine-full');
    expect(b.receiver(c).state.kind).toBe('following');
  });

  test('takes all parts of a transaction over two channels, though the first one fills it, or none', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000, maxQuarantineBytes: 1 });
    const { a, b } = nodes;
    a.pass(3_600_000);
    for (const id of [1, 2]) await transact(a, id);

    for (let round = 0; round < 3; round += 1)
      await Promise.all(twoTables.map(async (name) => b.step(a, name)));

    expect(waitingAt(b)).toEqual([1, 1]);
    expect(twoTables.map((name) => b.cursor(a, name)?.seq)).toEqual([1, 1]);
  });
});
