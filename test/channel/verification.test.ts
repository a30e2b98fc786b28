import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { ChannelServer } from '../../src/channel/channel-server.ts';
import { packDigests } from '../../src/channel/packed-digests.ts';
import { encodeBody } from '../../src/channel/message-body.ts';
import { noStreams } from '../../src/channel/stream-directory.ts';
import { Subscriber } from '../../src/channel/subscriber.ts';
import { Slots } from '../../src/channel/slots.ts';
import { Turns } from '../../src/channel/turns.ts';
import { Verification } from '../../src/channel/verification.ts';
import { Verifier } from '../../src/channel/verifier.ts';
import type { RunLoopOptions } from '../../src/runtime/run-loop.ts';
import { DirectLink } from './direct-link.ts';
import { openPair, openTables, records, twoTables } from './replica-pair.ts';
import { expectSame, settle, sourceOf } from './replica.ts';
import { tamper } from './tamper.ts';

describe('a comparison with the publisher', () => {
  test('of equal tables says so and lists nothing', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(20_000));
    await a.delete(7);
    await settle(a, b);

    const asked = await b.verify(a);

    expect(asked).toEqual(['digest', 'digest', 'digest']);
    expect(b.receiver(a).verifier.last).toMatchObject({
      rows: 19_999,
      repairedCount: 0,
      repaired: [],
      onlyHere: 0,
    });
  });

  test('lets everybody else have a turn whenever it has read for a few milliseconds, however little that was', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(500));
    await settle(a, b);
    const { digests } = a.store;
    const source = sourceOf(a, b);
    const ranges = digests.page(a.table, { after: null, maxRows: 500, newerThan: 0, isEnough: () => false });
    let nowMs = 0;
    const verification = new Verification({
      store: b.store,
      channel: 'dev:dog',
      source,
      now: () => 0,
      steadyMs: () => (nowMs += 5),
    });
    let turns = 0;
    let isOver = false;
    const look = (): void => {
      turns += 1;
      if (!isOver) setImmediate(look);
    };
    setImmediate(look);

    await verification.accept({
      kind: 'digest',
      identity: { storeId: source.storeId, incarnation: source.incarnation },
      digests: packDigests(ranges),
    });
    isOver = true;

    expect(ranges.length).toBeGreaterThan(5);
    expect(turns).toBeGreaterThanOrEqual(ranges.length - 1);
  });

  test('is not due again at the same moment for all that have begun together, nor later than it should be', async () => {
    await using nodes = await openTables();
    const { a, b } = nodes;
    const server = new ChannelServer({
      store: a.store,
      streams: noStreams,
      maxBatchBytes: 1 << 20,
      steadyMs: () => 0,
    });
    let nowMs = 0;
    const verifiers = twoTables.map((name) => ({
      source: sourceOf(a, b, name),
      verifier: new Verifier({
        store: b.store,
        channel: `dev:${name}`,
        intervalMs: 100,
        now: () => 0,
        steadyMs: () => nowMs,
      }),
    }));
    const isDue = async ({ verifier, source }: (typeof verifiers)[0]): Promise<boolean> => {
      const request = await verifier.next(server, source);
      if (request) await verifier.accept(server, await server.answer('b', request));
      return request !== undefined;
    };
    for (const one of verifiers) while (await isDue(one));

    const dueAtMs: number[] = [];
    for (const one of verifiers) {
      for (nowMs = 0; !(await isDue(one));) nowMs += 1;
      dueAtMs.push(nowMs);
    }

    const [first, second] = dueAtMs;
    expect(first).not.toBe(second);
    expect(Math.min(...dueAtMs)).toBeGreaterThanOrEqual(75);
    expect(Math.max(...dueAtMs)).toBeLessThanOrEqual(100);
  });

  test('finds the rows that were lost, kept, or changed behind its back, and repairs exactly those', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(5_000));
    await settle(a, b);
    const { id: table } = b.table;
    let kept: Buffer | undefined;
    await tamper(b, (rows) => (kept = rows.get([table, 4_000])));
    await settle(a, b);
    await a.delete(4_000);
    await settle(a, b);
    await tamper(b, (rows) => {
      for (const key of [3, 4_999]) rows.removeSync([table, key]);
      if (kept) rows.putSync([table, 4_000], kept);
    });
    await settle(a, b);
    expect(b.store.get(b.table, 3)).toBeUndefined();
    expect(b.store.get(b.table, 4_000)).toMatchObject({ id: 4_000 });

    const asked = await b.verify(a);

    expectSame(a, b);
    expect(b.receiver(a).verifier.last?.repaired).toEqual(expect.arrayContaining([3, 4_999, 4_000]));
    expect(b.receiver(a).verifier.last).toMatchObject({ repairedCount: 3, onlyHere: 0 });
    expect(asked.filter((kind) => kind === 'list').length).toBeLessThan(4);
    await b.verify(a);
    expect(b.receiver(a).verifier.last).toMatchObject({ repairedCount: 0 });
  });

  test('with a table that has nothing takes what is here in portions', async () => {
    await using nodes = await openPair({}, { publish: true, subscribe: false });
    const { a, b } = nodes;
    await settle(a, b);
    await b.upsert(...records(40_000));

    const asked = await b.verify(a);

    expect(asked.filter((kind) => kind === 'list')).toHaveLength(2);
    expect(b.receiver(a).verifier.last).toMatchObject({ rows: 0, repairedCount: 0, onlyHere: 40_000 });
  });

  test('looks for rows no longer than it should, and is asked again for the others', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await settle(a, b);
    let nowMs = 0;
    const server = new ChannelServer({
      store: a.store,
      streams: noStreams,
      maxBatchBytes: 1 << 20,
      steadyMs: () => (nowMs += 10),
    });
    const identity = { storeId: a.store.identity.storeId, incarnation: a.table.incarnation };
    const keys = Array.from({ length: 200 }, (_, key) => `none-${key}`);

    const answer = await server.answer('b', { kind: 'rows', channel: 'dev:dog', identity, keys });

    expect(answer).toMatchObject({ kind: 'rows', covered: 20 });
  });

  test('lists what was written behind its last row meanwhile, however much, in answers that a message and a slow link can carry', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(10));
    await settle(a, b);
    const receiver = b.receiver(a);
    void receiver.verifier.request();
    await a.upsert({ id: 10 });
    const digest = await receiver.nextComparison();
    if (digest) await receiver.accept(await a.server().answer('b', digest));
    expect(await receiver.nextComparison()).toMatchObject({ kind: 'list', range: { upTo: null } });
    const count = 20_000;
    await a.upsert(...records(count).map((row) => ({ ...row, id: Number(row['id']) + 11 })));

    const sizes: number[] = [];
    const listed: number[] = [];
    for (let next = await receiver.nextComparison(); next?.kind === 'list';) {
      const answer = await a.server().answer('b', next);
      const bytes = encodeBody(answer).length;
      expect(bytes).toBeLessThan(1.5 * (next.maxBytes ?? 0));
      sizes.push(bytes);
      if (answer.kind === 'list') listed.push(...answer.entries.map(([key]) => Number(key)));
      await receiver.accept(answer);
      next = await receiver.nextComparison();
      if (!next) {
        await b.follow(a);
        next = await receiver.nextComparison();
      }
    }

    expect(listed).toEqual(Array.from({ length: count + 11 }, (_, key) => key));
    expect(Math.max(...sizes)).toBeGreaterThan(8_000);
    await b.compare(a);
    expect(receiver.verifier.last).toMatchObject({ repairedCount: 0 });
    expectSame(a, b);
  });

  test('that is asked for while one is under way is made after it', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(100));
    await settle(a, b);
    const receiver = b.receiver(a);
    void receiver.verifier.request();
    expect(await receiver.nextComparison()).toMatchObject({ kind: 'digest', after: null });

    void receiver.verifier.request();

    expect(await b.compare(a)).toEqual(['digest', 'digest']);
    expect(await receiver.nextComparison()).toBeUndefined();
  });

  test('that is asked for and broken off is made once the channel is followed again', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(100));
    await settle(a, b);
    const receiver = b.receiver(a);
    const found = receiver.verifier.request();
    expect(await receiver.nextComparison()).toMatchObject({ kind: 'digest', after: null });
    receiver.restart();
    expect(await receiver.nextComparison()).toBeUndefined();

    await b.follow(a);

    expect(await b.compare(a)).toEqual(['digest']);
    expect(await found).toMatchObject({ rows: 100 });
  });

  test('that is taken over by another receiver begins anew, and leaves what the first had asked', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(20_000));
    await settle(a, b);
    const receiver = b.receiver(a);
    const { verifier, state } = receiver;
    const source = state.kind === 'following' ? state.source : undefined;
    const found = verifier.request();
    const asked = await receiver.nextComparison();
    const answer = asked && (await a.server().answer('b', asked));
    const other = {};
    expect(await verifier.next(other, source)).toEqual(asked);

    if (answer) await receiver.accept(answer);

    expect(await verifier.next(other, source)).toEqual(asked);
    await b.compare(a);
    expect(await found).toMatchObject({ rows: 20_000 });
  });

  test('goes on now and then while a channel of the peer has a backlog, else at once', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(20_000));
    await settle(a, b);
    void b.receiver(a).verifier.request();
    await using link = new DirectLink(b, a, () => ({ push: async () => ({ next: null }) }), 1 << 20);
    link.isOpen = true;
    const turns = new Turns({ priorityOf: () => 0, maxHeldBytes: 1 });
    const bodies: RunLoopOptions['body'][] = [];
    await using _subscriber = new Subscriber({
      receiver: b.receiver(a),
      link,
      turns,
      beginning: new Slots(1),
      makeLoop: ({ body }) => {
        bodies.push(body);
        return { start: () => {}, wake: () => {}, [Symbol.asyncDispose]: async () => {} };
      },
      log: pino({ level: 'silent' }),
    });
    const { signal } = new AbortController();
    const compare = async (): Promise<boolean | undefined> => bodies[1]?.(signal);
    const backlog = await turns.take('dev:cat', 'catch-up', signal);

    expect(await compare()).toBe(false);
    backlog[Symbol.dispose]();
    expect(await compare()).toBe(true);

    expect(link.carried.map(({ kind }) => kind)).toEqual(['digest', 'digest']);
  });

  test('waits for what is on its way instead of calling it a difference', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(100));
    await settle(a, b);
    await a.upsert({ id: 50, text: 'not there yet' });
    const receiver = b.receiver(a);
    const { verifier } = receiver;
    expect(await b.verify(a)).toEqual(['digest', 'list']);
    expect(verifier.last).toBeUndefined();

    await settle(a, b);
    expect(await receiver.nextComparison()).toBeUndefined();

    expect(verifier.last).toMatchObject({ repairedCount: 0, onlyHere: 0 });
  });

  test('leaves rows alone that only the subscriber has, and counts them', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(10));
    await settle(a, b);
    await b.upsert({ id: 'local' });

    await b.verify(a);

    expect(b.receiver(a).verifier.last).toMatchObject({ repairedCount: 0, onlyHere: 1 });
    expect(b.store.get(b.table, 'local')).toMatchObject({ id: 'local' });
  });
});
