import { describe, expect, test } from 'vitest';
import type { Hello } from '../../src/channel/hello.ts';
import { conflictsOf, resolve } from './conflicts.ts';
import { connectMesh, openPair, openTables, records, type Pair } from './replica-pair.ts';
import { connect, greet, Replica, settle } from './replica.ts';
import { maintain } from '../store/test-store.ts';
import { statusOf } from './status-of.ts';

test('a channel that is only published catches up until its subscriber has confirmed all of it', async () => {
  await using nodes = await openPair({}, { publish: true, subscribe: false });
  const { a, b } = nodes;
  await settle(a, b);
  expect(statusOf(a, b)).toMatchObject({ state: 'idle', unconfirmed: 0 });

  await a.upsert({ id: 1 });

  expect(statusOf(a, b)).toMatchObject({ state: 'catching-up', unconfirmed: 1 });
  const silence = 'b is not heard';
  expect(statusOf(a, b, { silence, hello: undefined })).toMatchObject({ state: 'waiting', reason: silence });
  await settle(a, b);
  expect(statusOf(a, b)).toMatchObject({ state: 'idle', unconfirmed: 0 });
});

test('the publisher says that the table was dropped at the subscriber, and what takes it up again', async () => {
  await using nodes = await openPair({}, { publish: true, subscribe: false });
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);

  await b.store.catalog.dropTable('dev', 'dog');

  const hello = { ...b.hello(a), stopped: ['dev:dog'] };
  expect(statusOf(a, b, { hello })).toMatchObject({
    state: 'waiting',
    reason: 'the table was dropped at b: update_node there with this channel takes it up again',
  });
  await greet(a, b);
  expect(statusOf(b, a)).toMatchObject({
    state: 'stopped',
    reason: 'the table was dropped here: update_node here with this channel takes it up again',
  });
});

describe('a channel that is only published', () => {
  const published = { publish: true, subscribe: false };

  test('waits for a subscriber that has confirmed nothing, not even that it is empty', async () => {
    await using nodes = await openPair({}, published);
    const { a, b } = nodes;
    const nothing = { state: 'waiting', reason: 'b has not confirmed anything of it yet' };
    expect(statusOf(a, b)).toMatchObject({ ...nothing, unconfirmed: 0 });
    await a.upsert({ id: 1 });
    await a.upsert({ id: 2 });
    expect(statusOf(a, b)).toMatchObject({ ...nothing, unconfirmed: 2 });
    expect(statusOf(a, b, { hello: undefined })).toMatchObject({ ...nothing, unconfirmed: 2 });

    await settle(a, b);

    expect(statusOf(a, b)).toMatchObject({ state: 'idle', unconfirmed: 0 });
  });

  test('says how fast a copy is and how long it takes once pages have come, and not by how long nobody sent any', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 }, published);
    const { a, b } = nodes;
    for (const document of records(40, 'x'.repeat(100))) await a.upsert(document);
    await b.step(a);
    expect(b.hello(a).copying).toEqual({ 'dev:dog': { rows: 0, total: 40 } });
    b.pass(1_000);
    await b.step(a);
    const rows = b.cursor(a)?.copy?.rows ?? 0;
    const copying = { rows, total: 40, rate: rows, etaSeconds: (40 - rows) / rows };
    expect(b.hello(a).copying).toEqual({ 'dev:dog': copying });

    b.pass(2 * 86_400_000);
    expect(b.hello(a).copying).toEqual({ 'dev:dog': copying });
    await b.step(a);

    const more = b.cursor(a)?.copy?.rows ?? 0;
    expect(b.hello(a).copying).toMatchObject({ 'dev:dog': { rate: more / 11 } });
    b.pass(-86_400_000);
    await b.step(a);
    const most = b.cursor(a)?.copy?.rows ?? 0;
    expect(b.hello(a).copying).toMatchObject({ 'dev:dog': { rows: most, rate: most / 11 } });
  });

  test('says that its subscriber copies, and how far; until then nothing counts as confirmed, nor after a restart', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 }, published);
    const { a, b } = nodes;
    for (const document of records(40, 'x'.repeat(100))) await a.upsert(document);
    await b.step(a);
    await b.step(a);
    const rows = b.cursor(a)?.copy?.rows ?? 0;
    expect([0 < rows, rows < 40]).toEqual([true, true]);

    const all = { unconfirmed: 40, endurance: { waiting: { transactions: 40, bytes: undefined } } };
    expect(statusOf(a, b)).toMatchObject({ state: 'copying', copy: { rows, total: 40 }, ...all });
    await a.hear(b);
    expect(statusOf(a, b, { hello: undefined, silence: 'not heard' })).toMatchObject({
      state: 'waiting',
      ...all,
    });
    await b.follow(a);
    await b.compare(a);
    await a.hear(b);
    for (const hello of [b.hello(a), undefined])
      expect(statusOf(a, b, { hello })).toMatchObject({ state: 'idle', unconfirmed: 0 });
  });

  test('has failed where its subscriber cannot take it; one that is taken, too, says so beside its state', async () => {
    await using nodes = await openPair({}, published);
    const { a, b } = nodes;
    await settle(a, b);
    const failed = { 'dev:dog': 'the quarantine is full' };
    const reason = 'at b: the quarantine is full';
    expect(statusOf(a, b, { hello: { ...b.hello(a), failed } })).toMatchObject({ state: 'failed', reason });

    await connect(a, b);
    await settle(a, b);

    expect(statusOf(a, b, { hello: { ...b.hello(a), failed } })).toMatchObject({ state: 'live', reason });
  });

  test('takes nothing that another device of the same name has confirmed for that of the present one', async () => {
    await using nodes = await openPair({}, published);
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    await a.hear(b);
    const told = { hello: undefined };
    expect(statusOf(a, b, told)).toMatchObject({ state: 'idle', unconfirmed: 0 });

    await using another = await Replica.open('b');
    await connect(a, another, published);

    for (const facts of [{}, told])
      expect(statusOf(a, another, facts)).toMatchObject({ state: 'waiting', unconfirmed: 1 });
    await settle(a, another);
    await a.hear(another);
    for (const facts of [{}, told])
      expect(statusOf(a, another, facts)).toMatchObject({ state: 'idle', unconfirmed: 0 });
  });

  test('waits while there is no such table', async () => {
    await using nodes = await openPair({}, published);
    const { a, b } = nodes;
    await settle(a, b);

    await a.store.catalog.dropTable('dev', 'dog');

    expect(statusOf(a, b)).toMatchObject({ state: 'waiting', reason: 'there is no table dev.dog here' });
  });
});

test('conflicts are counted table by table, also those that are settled or forgotten', async () => {
  const bounds = { conflictBounds: { maxCount: 1 } };
  await using nodes = await openTables(bounds);
  const { a, b } = nodes;
  const counted = (): unknown[] =>
    (a.store.nodes.get('b')?.subscriptions ?? []).map((subscription) => {
      const { table, conflicts } = statusOf(a, b, { subscription });
      return [table, conflicts];
    });
  expect(counted()).toEqual([
    ['dog', 0],
    ['cat', 0],
  ]);

  for (const id of [1, 2, 3]) await b.upsert({ id, by: 'b' });
  a.pass(10);
  for (const id of [1, 2, 3]) await a.upsert({ id, by: 'a' });
  await a.follow(b);

  const three = [
    ['dog', 3],
    ['cat', 0],
  ];
  expect(counted()).toEqual(three);
  await maintain(a.store);
  expect(conflictsOf(a)).toMatchObject([{ hash_value: 3 }]);
  await resolve(a, conflictsOf(a)[0], 'dismiss');
  expect(conflictsOf(a)).toEqual([]);
  expect(counted()).toEqual(three);
  await a.restart();
  expect(counted()).toEqual(three);
});

describe('the lag of what is taken from a peer', () => {
  const hourMs = 3_600_000;

  /** What b lacks of a: a transaction of two hours ago, one of an hour ago and one of now; a has heard where b is. */
  async function openBehind(): Promise<Pair> {
    const nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    await a.hear(b);
    for (const id of [2, 3, 4]) {
      a.pass(hourMs);
      await a.upsert({ id });
    }
    return nodes;
  }

  test('is how long ago the peer has committed the first transaction that is not applied here, by its own clock', async () => {
    await using nodes = await openBehind();
    const { a, b } = nodes;
    b.pass(-10 * hourMs);

    expect(statusOf(b, a)).toMatchObject({ lagTransactions: 3, lagMs: 2 * hourMs });
    expect(statusOf(b, a, { heardAgoMs: 500.4 })).toMatchObject({ lagMs: 2 * hourMs + 500 });
    await b.follow(a);
    expect(statusOf(b, a, { heardAgoMs: 500 })).toMatchObject({ lagTransactions: 0, lagMs: 0 });
  });

  test('is rather more than less while what has come since is not confirmed', async () => {
    await using nodes = await openBehind();
    const { a, b } = nodes;
    const hello = a.hello(b);
    for (let asked = 0; asked < 5 && b.cursor(a)?.seq === 1; asked += 1) {
      const { request } = await b.ask(a);
      await b.receiver(a).accept(await a.server(300).answer('b', request));
    }
    expect(b.cursor(a)?.seq).toBe(2);

    expect(statusOf(b, a, { hello })).toMatchObject({ lagTransactions: 2, lagMs: 2 * hourMs });
    await a.hear(b);
    expect(statusOf(b, a)).toMatchObject({ lagTransactions: 2, lagMs: hourMs });
  });

  test('counts from when the peer has it, and not from when it was written where it began', async () => {
    await using mesh = await connectMesh();
    const { a, b, c } = mesh;
    await settle(a, b, c);
    await a.hear(b);
    await c.upsert({ id: 'c' });
    a.pass(hourMs);
    await a.follow(c);

    a.pass(600);

    expect(statusOf(b, a)).toMatchObject({ lagTransactions: 1, lagMs: 600 });
  });

  test('is not told while the peer is silent', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await settle(a, b);
    expect(statusOf(b, a)).toMatchObject({ state: 'live', lagTransactions: 0, lagMs: 0 });

    const told = statusOf(b, a, { silence: 'a is not heard' });

    expect([told.state, told.lagTransactions, told.lagMs]).toEqual(['waiting', undefined, undefined]);
  });

  test('is told in transactions alone where the log no longer has the first of them', async () => {
    await using nodes = await openBehind();
    const { a, b } = nodes;

    await a.store.purgeChannel(a.table, {});

    const { lagTransactions, lagMs } = statusOf(b, a);
    expect([lagTransactions, lagMs]).toEqual([3, undefined]);
  });

  test('is told in transactions alone of a peer whose clock was set since', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await settle(a, b);
    const behindMs = a.nowMs - 60_000;
    a.pass(-behindMs);
    await a.upsert({ id: 1 });
    await a.hear(b);

    a.pass(1_000);
    expect(statusOf(b, a)).toMatchObject({ lagTransactions: 1, lagMs: 1_000 });
    a.pass(behindMs);
    expect(statusOf(b, a).lagMs).toBeUndefined();
  });

  test('of a peer that tells no more than its newest transaction is known for that one alone', async () => {
    await using nodes = await openBehind();
    const { a, b } = nodes;
    const said = (): Hello => {
      const hello = a.hello(b);
      const { unconfirmed: _unknown, ...head } = hello.heads['dev:dog'] ?? expect.fail('no head');
      return { ...hello, heads: { 'dev:dog': head } };
    };
    const { lagTransactions, lagMs } = statusOf(b, a, { hello: said() });
    expect([lagTransactions, lagMs]).toEqual([3, undefined]);

    await b.follow(a);
    await a.upsert({ id: 5 });
    a.pass(hourMs);

    expect(statusOf(b, a, { hello: said() })).toMatchObject({ lagTransactions: 1, lagMs: hourMs });
  });
});
