import { describe, expect, test } from 'vitest';
import type { ChannelResponse } from '../../src/channel/protocol.ts';
import { decodeChanges, encodeChanges, encodeItem, openFrame } from '../../src/model/transaction-codec.ts';
import { maintain } from '../store/test-store.ts';
import { openPair, openTables, transact, twoTables, type Pair } from './replica-pair.ts';
import { keysOf, settle } from './replica.ts';
import { quarantinedAt } from '../store/quarantined-at.ts';

const hourMs = 3_600_000;

describe('a transaction over two channels that is ahead of the clock', () => {
  /** It waits, in two parts, at the second node; the id of one of them. */
  async function waiting({ a, b }: Pair): Promise<string> {
    a.pass(hourMs);
    await transact(a, 1);
    await Promise.all(twoTables.map(async (name) => b.step(a, name)));
    const [one, ...others] = quarantinedAt(b.store);
    expect(others).toHaveLength(1);
    return one?.id ?? '';
  }

  test('is retried with all its parts', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { b } = nodes;
    const id = await waiting(nodes);
    b.pass(hourMs);

    await b.store.retryQuarantined(id);

    expect(twoTables.map((name) => keysOf(b, name))).toEqual([[1], [1]]);
    expect(quarantinedAt(b.store)).toEqual([]);
  });

  test('is skipped with all its parts', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { b } = nodes;
    const id = await waiting(nodes);
    b.pass(hourMs);

    await b.store.skipQuarantined(id);
    await maintain(b.store);

    expect(twoTables.map((name) => keysOf(b, name))).toEqual([[], []]);
    expect(quarantinedAt(b.store)).toEqual([]);
  });

  test('is not skipped before its time: the comparison that follows would bring its parts again, one by one', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    const id = await waiting(nodes);

    const skipped = b.store.skipQuarantined(id);

    await expect.soft(skipped).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(
        /this node's clock says .*: it applies by itself at 2027-01-15T08:59:00\.000Z, and what is skipped before comes again by a comparison$/,
      ),
    });
    for (const name of twoTables) await b.compare(a, name);
    b.pass(hourMs);
    const seen: number[] = [];
    do seen.push(twoTables.filter((name) => keysOf(b, name).length > 0).length);
    while (await b.store.maintenance.step());
    expect(seen).not.toContain(1);
    expect(seen.at(-1)).toBe(2);
  });

  test('is skipped before its time where nothing is taken from its sender any more', async () => {
    await using nodes = await openTables({ maxClockSkewMs: 60_000 });
    const { a, b } = nodes;
    const id = await waiting(nodes);
    const row = b.store.nodes.get(a.name) ?? expect.fail('a is no peer of b');
    await b.store.nodes.put({ ...row, subscriptions: [] });

    await b.store.skipQuarantined(id);

    expect(quarantinedAt(b.store)).toEqual([]);
  });
});

test('what is ahead of the clock is not retried before its time: it would take the clock along', async () => {
  await using nodes = await openPair({ maxClockSkewMs: 60_000 });
  const { a, b } = nodes;
  await settle(a, b);
  a.pass(24 * hourMs);
  await a.upsert({ id: 'early' });
  await b.follow(a);
  const [one] = quarantinedAt(b.store);

  const retried = b.store.retryQuarantined(one?.id ?? '');

  await expect(retried).rejects.toThrow(/this node's clock says .*: it applies by itself at /);
  expect(b.store.clock / 1_000 - b.nowMs).toBeLessThan(60_000);
  expect(quarantinedAt(b.store)).toHaveLength(1);
});

test.each<[string, unknown]>([
  ['a large whole number', 2n ** 60n],
  ['a large negative number', -(2n ** 60n)],
  ['bytes', Buffer.of(1, 2)],
  ['a time', new Date(0)],
  ['bytes within', [{ more: Buffer.alloc(300) }]],
])('a record with %s, which no client can have written, waits in quarantine', async (_, value) => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  // Known attributes are not decoded for the record's sake.
  await a.upsert({ id: 1, value: 'plain' });
  await settle(a, b);

  await a.upsert({ id: 2, value }, { id: 3 });
  await a.upsert({ id: 4, value: 'plain' });
  await b.follow(a);

  expect(keysOf(b)).toEqual([1, 4]);
  const table = b.store.catalog.table('system', 'hdb_quarantine') ?? expect.fail('no quarantine');
  expect([...b.store.search(table, {})]).toMatchObject([
    { reason: 'undecodable', detail: expect.stringMatching(/^Record 2: /) },
  ]);
});

test.each([
  ['a key of 901 letters', 'x'.repeat(901)],
  ['a key of 902 bytes', 'ü'.repeat(451)],
  ['an empty key', ''],
])('a record under %s, which no client could have asked for, waits in quarantine', async (_, key) => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 'x'.repeat(900) });
  await settle(a, b);
  await a.upsert({ id: 'y' });
  const { response } = await b.ask(a);
  const [item] = response.kind === 'items' ? response.items : [];
  const opened = item && openFrame(item);
  if (opened?.kind !== 'whole') throw new Error('No transaction has come');
  const changes = decodeChanges(opened.changes).map((change) => ({ ...change, key }));
  const bytes = encodeItem({ ...opened, changes: encodeChanges(changes) });

  await b.receiver(a).accept({ ...response, items: [{ ...item, bytes }] } as ChannelResponse);
  await a.upsert({ id: 'z' });
  await b.follow(a);

  expect(keysOf(b)).toEqual(['x'.repeat(900), 'z']);
  expect(quarantinedAt(b.store)).toHaveLength(1);
});
