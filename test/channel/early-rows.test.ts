import { describe, expect, test } from 'vitest';
import { maintain, makeTable, rowsOf } from '../store/test-store.ts';
import {
  connectMesh,
  openPair,
  openTables,
  proveOvertaken,
  records,
  transact,
  twoTables,
} from './replica-pair.ts';
import { connect, keysOf, Replica, settle, type Agreement } from './replica.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

const dayMs = 86_400_000;
const sinceThen: Agreement = { publish: true, subscribe: true, startTimeMs: 1_800_000_000_500 };

describe('rows that are ahead of the clock', () => {
  test('come when time has caught up, though the log had overtaken the copy that lacks them', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000, maxClockSkewMs: 1_000 });
    const { a, b } = nodes;
    const text = 'x'.repeat(100);
    await a.upsert(...records(40, text));
    await b.step(a);
    await b.step(a);
    expect(b.cursor(a)?.copy?.afterKey).toBeGreaterThan(0);
    a.pass(10_000);
    await a.upsert({ id: -1, text: 'early' });
    await a.store.purgeChannel(a.table, {});
    await b.follow(a);
    expect(b.cursor(a)?.unproven).toMatchObject({ overtaken: expect.any(Array) });
    await b.compare(a);
    expect(keysOf(b)).not.toContain(-1);

    b.pass(20_000);
    a.pass(10_000);
    await maintain(b.store);
    await settle(a, b);
    await b.verify(a);
    await a.verify(b);

    expect.soft(keysOf(a)).toContain(-1);
    expect(keysOf(b)).toContain(-1);
  });

  test('leave the quarantine, though their publisher has proven an overtaken copy', async () => {
    // The clocks of a and b are ahead.
    await using nodes = await openPair({ maxBatchBytes: 1_000, maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await using c = await Replica.open('c', { maxClockSkewMs: 60_000 });
    await settle(a, b);
    await connect(b, c, { publish: true, subscribe: false });
    await settle(b, c);
    a.pass(3_600_000);
    b.pass(3_600_000);
    const text = 'x'.repeat(100);
    await a.upsert(...records(40, text));
    await a.store.purgeChannel(a.table, {});
    await b.step(a);
    await b.step(a);
    await b.step(a);
    expect(b.cursor(a)?.copy?.afterKey).toBeGreaterThan(0);
    await a.upsert({ id: 0, text: 'later' });
    await a.store.purgeChannel(a.table, {});
    await b.follow(a);
    await b.compare(a);
    expect(b.cursor(a)?.unproven).toBeUndefined();
    await c.follow(b);
    expect(quarantinedAt(c.store).length).toBeGreaterThan(0);
    await c.verify(b);

    c.pass(3_600_000);
    await maintain(c.store);
    expect(quarantinedAt(c.store)).toEqual([]);
    await settle(b, c);
    await c.verify(b);

    expect(keysOf(c)).toEqual(keysOf(b));
  });

  test('that a copy brings leave the quarantine, though their publisher has proven an overtaken copy', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000, maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    a.pass(3_600_000);
    b.pass(3_600_000);
    await settle(a, b);
    const text = 'x'.repeat(100);
    await a.upsert(...records(40, text));
    await a.store.purgeChannel(a.table, {});
    while (b.cursor(a)?.copy?.afterKey === undefined) await b.step(a);
    await a.upsert({ id: 0, text: 'later' });
    await a.store.purgeChannel(a.table, {});
    await b.follow(a);
    await b.compare(a);
    expect(b.cursor(a)?.unproven).toBeUndefined();
    // Its clock is right, and it joins now.
    await using c = await Replica.open('c', { maxClockSkewMs: 60_000 });
    await connect(b, c);
    await c.follow(b);
    expect(quarantinedAt(c.store).length).toBeGreaterThan(0);

    c.pass(3_600_000);
    await maintain(c.store);
    await settle(b, c);
    await c.verify(b);
    await b.verify(c);

    expect.soft(keysOf(b)).toHaveLength(40);
    expect(keysOf(c)).toHaveLength(40);
  });

  test('that wait for a table which is dropped do not come into another of its name', async () => {
    await using nodes = await openPair({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    await settle(a, b);
    a.pass(3_600_000);
    await a.upsert({ id: 'early' });
    await b.follow(a);
    expect(quarantinedAt(b.store)).toHaveLength(1);

    await b.store.catalog.dropTable('dev', 'dog');
    await makeTable(b.store);
    await b.upsert({ id: 'another' });
    b.pass(3_600_000);
    await maintain(b.store);

    expect(keysOf(b)).toEqual(['another']);
  });

  test('of one transaction over several tables leave the quarantine in one commit', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    a.pass(3_600_000);
    await transact(a, 1);
    await Promise.all(twoTables.map(async (name) => b.follow(a, name)));
    expect(quarantinedAt(b.store)).toHaveLength(2);
    b.pass(3_600_000);
    const seen: number[] = [];

    do seen.push(twoTables.filter((name) => keysOf(b, name).length > 0).length);
    while (await b.store.maintenance.step());

    expect(seen).not.toContain(1);
    expect(seen.at(-1)).toBe(2);
  });

  test('that a start time leaves out do not come by the quarantine', async () => {
    const tomorrow: Agreement = { publish: true, subscribe: true, startTimeMs: 1_800_000_000_000 + dayMs };
    await using nodes = await openPair({ maxClockSkewMs: 60_000 }, tomorrow);
    const { a, b } = nodes;
    await settle(a, b);
    a.pass(3_600_000);
    await a.upsert({ id: 'left out' });
    await b.follow(a);
    b.pass(3_600_000);
    await maintain(b.store);

    expect(rowsOf(b.store)).toEqual([]);
  });
});

describe('a comparison that leaves out what is ahead of the clock proves nothing', () => {
  test('of what an overtaken copy lacks', async () => {
    await using nodes = await connectMesh({ maxBatchBytes: 1_000, maxClockSkewMs: 1_000 });
    const { a, b, c } = nodes;
    await c.follow(a);
    await b.follow(c);
    const text = 'x'.repeat(100);
    await a.upsert(...records(40, text));
    await b.step(a);
    await b.step(a);
    a.pass(10_000);
    c.pass(10_000);
    await a.upsert({ id: 0, text: 'later' });
    await c.follow(a);
    await a.store.purgeChannel(a.table, {});
    await b.follow(a);
    expect(b.cursor(a)?.unproven).toMatchObject({ overtaken: expect.any(Array) });

    await b.compare(a);

    // It is not here yet, and that is known.
    expect(b.store.get(b.table, 0)).toMatchObject({ text });
    expect.soft(b.cursor(a)?.unproven ?? quarantinedAt(b.store)[0]).toBeDefined();
    b.pass(10_000);
    await maintain(b.store);
    await b.follow(a);
    await b.compare(a);
    await b.follow(c);
    await b.compare(c);
    expect(b.store.get(b.table, 0)).toMatchObject({ text: 'later' });
  });

  test('of what was given up', async () => {
    await using nodes = await connectMesh({ maxClockSkewMs: 1_000 });
    const { a, b, c } = nodes;
    await b.follow(a);
    await c.follow(a);
    await b.follow(c);
    a.pass(10_000);
    c.pass(10_000);
    await a.upsert({ id: 'early' });
    await b.follow(a);
    const [quarantined] = quarantinedAt(b.store);
    const row = b.store.nodes.get(a.name) ?? expect.fail('a is no peer of b');
    await b.store.nodes.put({ ...row, subscriptions: [] });
    await b.store.skipQuarantined(quarantined?.id ?? '');
    await b.store.nodes.put(row);
    await b.compare(a);
    expect(keysOf(b)).toEqual([]);
    b.pass(10_000);
    await c.follow(a);

    await b.follow(c);

    expect(keysOf(b)).toEqual(['early']);
  });

  test('of what waits in quarantine in the name of another peer', async () => {
    await using nodes = await connectMesh({ maxClockSkewMs: 1_000 });
    const { a, b, c } = nodes;
    await b.follow(a);
    await c.follow(a);
    await b.follow(c);
    a.pass(10_000);
    c.pass(10_000);
    await a.upsert({ id: 'early' });
    await b.follow(a);
    await c.follow(a);
    await b.follow(c);
    expect(quarantinedAt(b.store)).toHaveLength(1);

    await b.compare(a);

    expect(keysOf(b)).toEqual([]);
    expect(b.cursor(a)?.unproven).toMatchObject({ hole: true });
  });
});

test.each([false, true])(
  'a row that a copy has isolated under a start time comes, though its publisher goes on (start time %s)',
  async (has) => {
    await using nodes = await openPair(
      { maxBatchBytes: 1_000, maxClockSkewMs: 60_000 },
      has ? sinceThen : undefined,
    );
    const { a, b } = nodes;
    await using c = await Replica.open('c', { maxBatchBytes: 1_000, maxClockSkewMs: 60_000 });
    await makeTable(c.store);
    await connect(c, b, { publish: true, subscribe: false });
    for (const r of [a, b, c]) r.pass(1_000);
    a.pass(3_600_000);
    await a.upsert({ id: 'early' });
    await b.follow(a);
    expect(quarantinedAt(b.store)).toHaveLength(1);
    expect(b.cursor(a)?.unproven).toMatchObject({ hole: true });
    // Its time has come; the maintenance of b has not looked yet.
    for (const r of [b, c]) r.pass(3_660_000);
    a.pass(60_000);
    await a.upsert({ id: 'next' });
    await b.follow(a);
    await proveOvertaken(b, c);

    await maintain(b.store);
    await b.follow(a);
    await b.verify(a);
    await a.follow(b);
    await a.verify(b);

    expect.soft(keysOf(a)).toContain('early');
    expect(keysOf(b)).toContain('early');
  },
);

test('a row that a copy has isolated under a start time and that an operator has skipped comes by the comparison', async () => {
  await using nodes = await openPair({ maxBatchBytes: 1_000, maxClockSkewMs: 60_000 }, sinceThen);
  const { a, b } = nodes;
  await using c = await Replica.open('c', { maxBatchBytes: 1_000, maxClockSkewMs: 60_000 });
  await makeTable(c.store);
  await connect(c, b, { publish: true, subscribe: false });
  for (const r of [a, b, c]) r.pass(1_000);
  a.pass(3_600_000);
  await a.upsert({ id: 'early' });
  await b.follow(a);
  const [one] = quarantinedAt(b.store);
  for (const r of [b, c]) r.pass(3_660_000);
  await b.store.skipQuarantined(one?.id ?? '');
  a.pass(60_000);
  await a.upsert({ id: 'next' });
  await b.follow(a);
  await proveOvertaken(b, c);
  await b.verify(a);
  await a.follow(b);
  await a.verify(b);
  expect.soft(keysOf(a)).toContain('early');
  expect(keysOf(b)).toContain('early');
});
