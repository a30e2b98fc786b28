import { describe, expect, test } from 'vitest';
import { maintain, makeTable } from '../store/test-store.ts';
import { openPair, proveOvertaken, records } from './replica-pair.ts';
import { connect, greet, keysOf, Replica, settle, type Agreement } from './replica.ts';

const dayMs = 86_400_000;
const startTimeMs = 1_800_000_000_500;
const sinceThen: Agreement = { publish: true, subscribe: true, startTimeMs };

describe('a start time, and deletes that are forgotten', () => {
  test('a write that is heard late comes, though a newer delete has been forgotten here', async () => {
    await using nodes = await openPair({}, sinceThen);
    const { a, b } = nodes;
    for (const replica of [a, b]) replica.pass(1_000);
    await a.upsert({ id: 'first' });
    await settle(a, b);
    await b.upsert({ id: 'gone' });
    await settle(a, b);
    // They do not hear each other.
    a.pass(dayMs);
    await a.upsert({ id: 'late' });
    b.pass(2 * dayMs);
    await b.delete('gone');
    b.pass(400 * dayMs);
    await maintain(b.store);
    a.pass(401 * dayMs);

    await b.follow(a);
    await b.verify(a);
    await a.follow(b);
    await a.verify(b);

    expect.soft(keysOf(a)).toContain('late');
    expect(keysOf(b)).toContain('late');
  });

  test('a write of an edge that its hub hears after 41 days comes, with the default retention of 30', async () => {
    await using nodes = await openPair({}, sinceThen);
    const { a: hub, b } = nodes;
    await using edge = await Replica.open('edge');
    await connect(edge, hub);
    for (const replica of [hub, b, edge]) replica.pass(1_000);
    await settle(hub, b, edge);
    await edge.upsert({ id: 'first' });
    await b.upsert({ id: 'gone' });
    await settle(hub, b, edge);
    // The edge is away, and writes on the first day.
    edge.pass(dayMs);
    await edge.upsert({ id: 'late' });
    for (const replica of [hub, b]) replica.pass(2 * dayMs);
    await b.delete('gone');
    await settle(hub, b);
    for (let day = 0; day < 39; day += 1) {
      for (const replica of [hub, b]) replica.pass(dayMs);
      await greet(hub, b);
      await greet(hub, b);
      await maintain(b.store);
    }
    edge.pass(40 * dayMs);
    // The delete is not forgotten: what the start time leaves out may still come.
    expect(b.store.tombstones.deletedBefore(b.table.id)).toBe(0);

    await greet(edge, hub);
    await settle(hub, b, edge);
    expect(keysOf(hub)).toContain('late');
    await b.verify(hub);
    await hub.verify(b);

    expect.soft(keysOf(hub)).toContain('late');
    expect(keysOf(b)).toContain('late');
  });
});

test('a write under a start time comes, though an overtaken copy of another node has been proven', async () => {
  // b takes all from c, and from a what is new; a and c do not know each other.
  await using nodes = await openPair({ maxBatchBytes: 1_000 }, sinceThen);
  const { a, b } = nodes;
  await using c = await Replica.open('c', { maxBatchBytes: 1_000 });
  await makeTable(c.store);
  await connect(c, b, { publish: true, subscribe: false });
  for (const replica of [a, b, c]) replica.pass(1_000);
  await b.follow(a);
  // a is away for a minute, and writes.
  await a.upsert({ id: 'late' });
  for (const replica of [a, b, c]) replica.pass(60_000);
  await proveOvertaken(b, c);

  await b.follow(a);
  await b.verify(a);
  await a.follow(b);
  await a.verify(b);

  expect.soft(keysOf(a)).toContain('late');
  expect(keysOf(b)).toContain('late');
});

test('a delete is not forgotten while a start time leaves out what is older', async () => {
  await using nodes = await openPair({}, { ...sinceThen, subscribe: false });
  const { a, b } = nodes;
  await a.upsert({ id: 'k', by: 'a' });
  for (const replica of [a, b]) replica.pass(1_000);
  await settle(a, b);
  await b.upsert({ id: 'k', by: 'b' });
  await b.delete('k');
  for (let day = 0; day < 35; day += 1) {
    for (const replica of [a, b]) replica.pass(dayMs);
    await greet(a, b);
    await greet(a, b);
    await maintain(b.store);
  }

  await connect(a, b, { publish: true, subscribe: false });
  b.receiver(a).restart();
  await settle(a, b);

  expect(keysOf(b)).toEqual([]);
});

// It compares only what is newer than the start time, and of a delete neither end has anything to compare: what was deleted
// of the older records stays here until the start time is lifted.
describe('a comparison under a start time sees what was deleted of what is older here', () => {
  test.fails('where a copy that the log has overtaken has missed the delete', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 });
    const { a, b } = nodes;
    const text = 'x'.repeat(100);
    await a.upsert(...records(10, text));
    await settle(a, b);
    for (const replica of [a, b]) replica.pass(1_000);
    await connect(a, b, sinceThen);
    b.receiver(a).restart();
    await a.upsert(...records(50, text).slice(10));
    await a.store.purgeChannel(a.table, {});
    while (Number(b.cursor(a)?.copy?.afterKey ?? 0) <= 9) await b.step(a);
    await a.delete(0);
    await a.store.purgeChannel(a.table, {});
    await b.follow(a);
    expect(b.cursor(a)?.unproven).toMatchObject({ overtaken: expect.any(Array) });

    await b.compare(a);
    expect(b.cursor(a)?.unproven).toBeUndefined();
    await b.verify(a);

    expect(keysOf(b)).not.toContain(0);
  });

  test.fails('where delete and tombstone are forgotten', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 }, { id: 2 });
    await settle(a, b);
    for (const replica of [a, b]) replica.pass(1_000);
    await connect(a, b, sinceThen);
    b.receiver(a).restart();
    await settle(a, b);
    await a.delete(1);
    for (const replica of [a, b]) {
      replica.pass(400 * dayMs);
      await maintain(replica.store);
    }
    await a.store.purgeChannel(a.table, {});
    await greet(a, b);
    await settle(a, b);
    await b.verify(a);

    expect(keysOf(b)).toEqual([2]);
  });
});
