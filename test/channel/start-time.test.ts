import { describe, expect, test } from 'vitest';
import { startTime } from '../../src/operation/node/subscription-request.ts';
import { openFrame } from '../../src/model/transaction-codec.ts';
import { makeTable, rowsOf } from '../store/test-store.ts';
import { connectMesh, openPair, records, type Pair } from './replica-pair.ts';
import { connect, expectSame, keysOf, Replica, settle } from './replica.ts';

describe('a subscription with a start time', () => {
  const startTimeMs = 1_800_000_000_500;

  /** The old rows are of the very moment of the start time. */
  async function openLate(): Promise<Pair> {
    const nodes = await openPair({}, { publish: true, subscribe: true, startTimeMs });
    nodes.a.pass(500);
    await nodes.a.upsert({ id: 'old' }, { id: 'deleted' });
    nodes.a.pass(1_000);
    nodes.b.pass(1_000);
    await nodes.a.upsert({ id: 'new' });
    await nodes.a.delete('deleted');
    return nodes;
  }

  test('copies only what is newer, tombstones too, and follows', async () => {
    await using nodes = await openLate();
    const { a, b } = nodes;
    expect(rowsOf(a.store).find(({ key }) => key === 'old')?.version).toBe(startTimeMs * 1_000);

    await settle(a, b);

    expect(rowsOf(b.store).map(({ key, bytes }) => [key, bytes !== null])).toEqual([
      ['deleted', false],
      ['new', true],
    ]);
    await a.upsert({ id: 'newer' });
    await settle(a, b);
    expect(keysOf(b)).toEqual(['new', 'newer']);
  });

  test('drops an older change that comes later, and keeps its place', async () => {
    await using nodes = await openLate();
    const { a, b } = nodes;
    await settle(a, b);
    await using c = await Replica.open('c');
    await makeTable(c.store);
    await c.upsert({ id: 'late' });
    await connect(a, c);

    await settle(a, b, c);

    expect(keysOf(a)).toContain('late');
    expect(keysOf(b)).not.toContain('late');
    expect(b.cursor(a)?.seq).toBe(a.store.log.head(a.table.id).headSeq);
  });

  test('does not keep from others what it dropped itself', async () => {
    await using nodes = await openLate();
    const { a, b } = nodes;
    await settle(a, b);
    // c follows both; d has written long ago, and is heard only now, by a.
    await using c = await Replica.open('c');
    await connect(b, c);
    await connect(a, c);
    await settle(a, b, c);
    await using d = await Replica.open('d');
    await makeTable(d.store);
    await connect(a, d);
    await a.follow(d);
    await d.upsert({ id: 'late' });
    await a.follow(d);
    expect(keysOf(a)).toContain('late');

    // By chance c hears of it from b first.
    await b.follow(a);
    await c.follow(b);
    await settle(a, b, c, d);

    expect(keysOf(c)).toContain('late');
    expectSame(a, c, d);
  });

  test('that is lifted brings what it had left out', async () => {
    await using nodes = await openLate();
    const { a, b } = nodes;
    await settle(a, b);
    expect(keysOf(b)).not.toContain('old');

    await connect(a, b);
    b.receiver(a).restart();
    await settle(a, b);

    expectSame(a, b);
    expect(keysOf(b)).toContain('old');
  });

  test('that comes later and is lifted again brings what it had left out meanwhile', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 'before' });
    await settle(a, b);
    await connect(a, b, { publish: true, subscribe: true, startTimeMs });
    b.receiver(a).restart();
    await a.upsert({ id: 'old' });
    await b.follow(a);
    expect(keysOf(b)).toEqual(['before']);
    expect(b.cursor(a)?.seq).toBe(a.store.log.head(a.table.id).headSeq);

    await connect(a, b);
    b.receiver(a).restart();
    await b.follow(a);

    expect(keysOf(b)).toEqual(['before', 'old']);
  });

  test.each(['a receiver that asked before', 'another receiver'])(
    'that is lifted brings what it had left out, though the answer to %s begins where that was asked',
    async (whose) => {
      await using nodes = await openLate();
      const { a, b } = nodes;
      await settle(a, b);
      b.receiver(a).restart();
      const { request, response } = await b.ask(a);
      expect([request.kind, response.kind]).toEqual(['subscribe', 'begin']);
      if (whose === 'another receiver') b.forgetReceivers();
      await connect(a, b);

      await b.receiver(a).accept(response);
      await settle(a, b);

      expectSame(a, b);
      expect(keysOf(b)).toContain('old');
    },
  );

  test('that is lifted by a decision of the same moment at the other end brings what it had left out', async () => {
    await using nodes = await openLate();
    const { a, b } = nodes;
    await settle(a, b);

    await b.store.nodes.update('a', (row) => {
      if (!row) return undefined;
      const subscriptions = row.subscriptions.map((one) => ({ ...one, startTimeMs: undefined }));
      return { ...row, subscriptions };
    });
    await settle(a, b);

    expectSame(a, b);
    expect(keysOf(b)).toContain('old');
  });

  test('that is lifted brings what was left out under it since the channel began again', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await settle(a, b);
    await connect(a, b, { publish: true, subscribe: true, startTimeMs });
    b.receiver(a).restart();
    await b.step(a);
    const { state } = b.receiver(a);
    if (state.kind !== 'following') throw new Error(state.kind);
    await a.upsert({ id: 'old' });
    const { response } = await b.ask(a);
    if (response.kind !== 'items') throw new Error(response.kind);
    await connect(a, b);
    b.receiver(a).restart();
    await b.step(a);
    expect(b.receiver(a).state.kind).toBe('following');

    // What was being applied when the agreement changed.
    await b.store.apply(state.source, response.items.map(openFrame));
    expect(keysOf(b)).toEqual([]);
    await settle(a, b);

    expect(keysOf(b)).toEqual(['old']);
  });

  test('leaves out nothing that comes by another way', async () => {
    await using nodes = await openPair({}, { publish: true, subscribe: true, startTimeMs });
    const { a, b } = nodes;
    await settle(a, b);
    await a.upsert({ id: 'old' });
    a.pass(1_000);
    b.pass(1_000);
    await a.upsert({ id: 'new' });
    // b has passed the old one, and then hears of it from c, who takes everything.
    await b.follow(a);
    expect(keysOf(b)).toEqual(['new']);
    await using c = await Replica.open('c');
    await connect(a, c);
    await connect(b, c);

    await settle(a, b, c);

    expectSame(a, b, c);
    expect(keysOf(b)).toEqual(['new', 'old']);
  });

  test('leaves out nothing that comes by another way, though rows that the publisher has from here came behind it', async () => {
    await using nodes = await connectMesh({}, { publish: true, subscribe: true, startTimeMs });
    const { a, b, c } = nodes;
    await b.follow(a);
    await c.follow(a);
    await b.follow(c);
    await a.upsert({ id: 'old' });
    a.pass(1_000);
    b.pass(1_000);
    await b.upsert({ id: 'new' });
    // A copy: what a logs of it goes to b as a stub.
    await a.follow(b);
    const stub = (await b.follow(a))
      .flatMap(({ response }) => (response.kind === 'items' ? response.items : []))
      .map((frame) => openFrame(frame))
      .find(({ kind }) => kind === 'stub');
    expect(stub?.seq).toBe(2);
    await c.follow(a);

    await b.follow(c);

    expect(keysOf(b)).toEqual(['new', 'old']);
  });

  test('leaves out nothing that comes by another way, though the log has overtaken the copy that left it out', async () => {
    await using nodes = await connectMesh(
      { maxBatchBytes: 1_000 },
      { publish: true, subscribe: true, startTimeMs },
    );
    const { a, b, c } = nodes;
    await c.follow(a);
    await b.follow(c);
    await a.upsert({ id: 'old' });
    a.pass(1_000);
    b.pass(1_000);
    const text = 'x'.repeat(100);
    await a.upsert(...records(40, text));
    await c.follow(a);
    await b.step(a);
    await b.step(a);
    await a.upsert({ id: 0, text });
    await a.store.purgeChannel(a.table, {});
    await b.follow(a);
    expect(b.cursor(a)?.unproven).toMatchObject({ overtaken: expect.any(Array) });
    await b.compare(a);
    expect(b.cursor(a)?.unproven).toBeUndefined();
    expect(keysOf(b)).not.toContain('old');

    await b.follow(c);

    expect(keysOf(b)).toContain('old');
  });

  test('that comes in the middle of a copy and is lifted there leaves out nothing', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 });
    const { a, b } = nodes;
    const text = 'x'.repeat(100);
    await a.upsert(...records(40, text));
    a.pass(1_000);
    b.pass(1_000);
    await a.upsert(...records(80, text).slice(40));
    await b.step(a);
    await b.step(a);
    await connect(a, b, { publish: true, subscribe: true, startTimeMs });
    b.receiver(a).restart();
    await b.step(a);
    await b.step(a);
    expect(b.cursor(a)?.copy?.afterKey).toBeGreaterThan(40);
    expect(keysOf(b)).not.toContain(39);

    await connect(a, b);
    b.receiver(a).restart();
    await b.follow(a);

    expectSame(a, b);
  });

  test('that comes after a copy that the log has overtaken leaves out nothing that comes by another way', async () => {
    await using nodes = await connectMesh({ maxBatchBytes: 1_000 });
    const { a, b, c } = nodes;
    await c.follow(a);
    await b.follow(c);
    const text = 'x'.repeat(100);
    await a.upsert(...records(40, text));
    await b.step(a);
    await b.step(a);
    await a.upsert({ id: 0, text: 'later' });
    await c.follow(a);
    await a.store.purgeChannel(a.table, {});
    await b.follow(a);
    expect(b.cursor(a)?.unproven).toMatchObject({ overtaken: expect.any(Array) });
    await connect(a, b, { publish: true, subscribe: true, startTimeMs });
    b.receiver(a).restart();
    await b.follow(a);
    await b.compare(a);
    expect(b.cursor(a)?.unproven).toBeUndefined();
    expect(b.store.get(b.table, 0)).toMatchObject({ text });

    await b.follow(c);

    expect(b.store.get(b.table, 0)).toMatchObject({ text: 'later' });
  });
});

test.each([
  ['0001-01-01T00:00:00Z', [1]],
  ['9999-12-31T00:00:00Z', []],
])('a start time as far from now as one may name works: %s', async (time, expected) => {
  await using nodes = await openPair(
    {},
    { publish: true, subscribe: true, startTimeMs: startTime.parse(time) },
  );
  const { a, b } = nodes;
  await a.upsert({ id: 1 });

  await settle(a, b);

  expect(keysOf(b)).toEqual(expected);
});
