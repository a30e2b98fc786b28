import { describe, expect, test } from 'vitest';
import { makeTable, maintain, rowsOf } from '../store/test-store.ts';
import {
  dayMs,
  forgetDelete,
  onlyPublish,
  reunite,
  separate,
  tombstonesOf,
  yearsPass,
} from './long-absence.ts';
import { openMesh, openPair } from './replica-pair.ts';
import { connect, expectSameRecords, greet, keysOf, Replica, settle } from './replica.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

describe('what is in quarantine takes nothing from what is known of deletes', () => {
  test('at the node that has it there', async () => {
    await using nodes = await openPair({ logMaxAgeMs: 10_000 * dayMs, maxClockSkewMs: dayMs }, onlyPublish);
    const { a, b } = nodes;
    await a.upsert({ id: 1 }, { id: 2 });
    await settle(a, b);
    // Nothing goes back: the publisher keeps it.
    await b.delete(1);
    await yearsPass(a, b);
    expect(tombstonesOf(b)).toBe(0);
    a.pass(2 * dayMs);
    await a.upsert({ id: 'early' });
    await b.follow(a);
    expect(quarantinedAt(b.store)).toHaveLength(1);

    b.pass(2 * dayMs);
    await maintain(b.store);
    await settle(a, b);
    await b.verify(a);

    expect(keysOf(b)).toEqual([2, 'early']);
  });

  test('at those who compare with it', async () => {
    await using nodes = await openMesh({ maxClockSkewMs: dayMs });
    const { a, b, c } = nodes;
    await using d = await Replica.open('d', { maxClockSkewMs: dayMs });
    await makeTable(d.store);
    await connect(d, c, onlyPublish);
    await b.upsert({ id: 1 }, { id: 2 });
    await settle(a, b, c, d);
    separate([a, b], [b, c]);
    await a.delete(1);
    await settle(a, c);
    await yearsPass(a, b, c, d);
    expect([tombstonesOf(a), tombstonesOf(c)]).toEqual([0, 0]);
    d.pass(2 * dayMs);
    await greet(c, d);
    await d.upsert({ id: 'early' });
    await c.follow(d);
    expect(quarantinedAt(c.store)).toHaveLength(1);
    await settle(a, c);
    await a.verify(c);

    await reunite([a, b]);
    await settle(a, b);

    expect(keysOf(a)).toEqual([2]);
    expect(keysOf(b)).toEqual([2]);
  });
});

describe('what is known of deletes is not given up for what another one knows', () => {
  test('who joined while something was in quarantine', async () => {
    await using nodes = await openMesh({ maxClockSkewMs: dayMs });
    const { a, b, c } = nodes;
    await using early = await Replica.open('early', { maxClockSkewMs: dayMs });
    await using joined = await Replica.open('joined', { maxClockSkewMs: dayMs });
    await makeTable(early.store);
    await connect(early, c, onlyPublish);
    await b.upsert({ id: 1 }, { id: 2 });
    await settle(a, b, c, early);
    separate([a, b]);
    b.cut.add('c');
    await a.delete(1);
    await settle(a, c);
    await yearsPass(a, b, c, early, joined);
    expect([tombstonesOf(a), tombstonesOf(c)]).toEqual([0, 0]);
    early.pass(2 * dayMs);
    await early.upsert({ id: 'early' });
    await c.follow(early);
    expect(quarantinedAt(c.store)).toHaveLength(1);
    await connect(joined, c);
    await settle(c, joined);
    // What was in quarantine comes in, and all is compared.
    for (const replica of [a, b, c, joined]) {
      replica.pass(3 * dayMs);
      await maintain(replica.store);
    }
    await settle(c, early);
    await b.upsert({ id: 3 });
    await c.follow(b);
    await settle(a, c, joined);
    await joined.verify(c);
    await connect(a, joined);
    await settle(a, c, joined);
    await a.verify(joined);

    await reunite([a, b]);
    b.cut.delete('c');
    await settle(a, b);
    await a.verify(b);
    await b.verify(a);

    expect(keysOf(a)).toEqual([2, 3, 'early']);
    expectSameRecords(a, b);
  });

  test('who takes only what is new', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await forgetDelete(a, b);
    expect(tombstonesOf(a)).toBe(0);
    await using c = await Replica.open('c');
    c.pass(400 * dayMs);
    await makeTable(c.store);
    await connect(c, b, { publish: false, subscribe: true, startTimeMs: c.nowMs - dayMs });
    await c.follow(b);
    await b.upsert({ id: 3 });
    await c.follow(b);
    await connect(c, a, onlyPublish);
    await a.follow(c);
    await a.compare(c);

    await reunite([a, b]);
    await settle(a, b);

    expect(keysOf(a)).toEqual([2, 3]);
    expectSameRecords(a, b);
  });
});

test('what a publisher writes after it has spoken is newer than it says, though its clock is set back', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);
  const spoken = a.hello(b);
  a.pass(-3_600_000);
  await a.upsert({ id: 2 });

  await b.hear(a, spoken);

  const { version } = rowsOf(a.store).find(({ key }) => key === 2) ?? expect.fail('a has no record 2');
  expect(b.store.heard.upTo(b.table)).toBeGreaterThan(0);
  expect(b.store.heard.upTo(b.table)).toBeLessThan(version);
});

test('a node that has forgotten a delete hears it again with an older write that comes by a relay', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await using c = await Replica.open('c');
  await makeTable(c.store);
  await connect(a, c);
  await settle(a, b, c);
  separate([a, b]);
  await b.upsert({ id: 1 }, { id: 2 });
  await c.upsert({ id: 1 });
  c.pass(1);
  await c.delete(1);
  await settle(a, c);
  for (const replica of [a, b, c]) replica.pass(31 * dayMs);
  await greet(a, c);
  for (const { store } of [a, c]) await maintain(store);
  expect([tombstonesOf(a), tombstonesOf(c)]).toEqual([1, 0]);

  await reunite([a, b]);
  await settle(a, b, c);

  expectSameRecords(a, b, c);
  expect(keysOf(c)).toEqual([2]);
});
