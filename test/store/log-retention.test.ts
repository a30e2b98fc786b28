import { expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { maintain, makeTable, numbersOf, tableOf, TestStore, upsert } from './test-store.ts';

const noticeMs = 60_000;

interface Clock {
  nowMs: number;
}

/** A store with the table dog, which is published to the peer edge; nothing of it is confirmed yet. */
async function openPublishing(clock: Clock): Promise<TestStore> {
  const t = await TestStore.open({
    now: () => clock.nowMs,
    logMaxAgeMs: 10 * 86_400_000,
    logMaxBytes: 20_000,
    logNoticeMs: noticeMs,
  });
  await makeTable(t.store);
  await subscribe(t.store, 'edge', true);
  return t;
}

async function subscribe(store: Store, name: string, publish: boolean): Promise<void> {
  const subscription = { database: 'dev', table: 'dog', publish, subscribe: false, version: 1 };
  await store.nodes.put({ name, addedVersion: 1, subscriptions: [subscription] });
}

async function confirm(store: Store, peer: string, seq: number): Promise<void> {
  const { id: tableId } = tableOf(store);
  await store.confirmed.note(peer, [{ tableId, seq, id: store.log.idAt(tableId, seq) ?? '' }]);
}

/** About 1 kB of log each. */
async function write(store: Store, count: number): Promise<void> {
  for (let id = 0; id < count; id += 1) await upsert(store, { id, text: 'x'.repeat(1_000) });
}

function warnedAt(store: Store, peer = 'edge'): number | undefined {
  return store.confirmed.get(peer, tableOf(store).id)?.warnedAtMs;
}

function firstOf(store: Store): number | undefined {
  return numbersOf(store)[0]?.seq;
}

test('what a subscriber lacks is kept over the limit until it has been warned of for long enough', async () => {
  const clock = { nowMs: 1_800_000_000_000 };
  await using t = await openPublishing(clock);
  await write(t.store, 2);
  await confirm(t.store, 'edge', 2);
  await write(t.store, 28);
  clock.nowMs += 1_000;
  const raisedAtMs = clock.nowMs;

  await maintain(t.store);
  expect(firstOf(t.store)).toBe(3);
  expect(t.store.endurance.fill).toBeGreaterThan(1);
  expect(warnedAt(t.store)).toBe(raisedAtMs);

  clock.nowMs = raisedAtMs + noticeMs - 1;
  await t.reopen();
  await maintain(t.store);
  expect(firstOf(t.store)).toBe(3);

  clock.nowMs = raisedAtMs + noticeMs;
  await maintain(t.store);
  expect(t.store.endurance.fill).toBeLessThanOrEqual(1);
  expect(firstOf(t.store)).toBeGreaterThan(3);
  expect(warnedAt(t.store)).toBe(raisedAtMs);
});

test('the limit wins at once where every subscriber has what goes, and where there is none', async () => {
  const clock = { nowMs: 1_800_000_000_000 };
  await using t = await openPublishing(clock);
  await write(t.store, 30);
  await confirm(t.store, 'edge', 30);

  await maintain(t.store);
  expect(t.store.endurance.fill).toBeLessThanOrEqual(1);
  expect(warnedAt(t.store)).toBeUndefined();

  await subscribe(t.store, 'edge', false);
  await write(t.store, 30);
  await maintain(t.store);
  expect(t.store.endurance.fill).toBeLessThanOrEqual(1);
});

test('a warning is given well before the limit, and then the limit holds without delay', async () => {
  const clock = { nowMs: 1_800_000_000_000 };
  await using t = await openPublishing(clock);
  await confirm(t.store, 'edge', 0);
  await write(t.store, 16);
  clock.nowMs += 10 * 60_000;

  await maintain(t.store);
  expect(t.store.endurance.fill).toBeLessThan(1);
  expect(warnedAt(t.store)).toBe(clock.nowMs);

  clock.nowMs += noticeMs;
  await write(t.store, 10);
  await maintain(t.store);
  expect(t.store.endurance.fill).toBeLessThanOrEqual(1);
});

test('a warning ends when the subscriber has caught up, and the next one takes its time again', async () => {
  const clock = { nowMs: 1_800_000_000_000 };
  await using t = await openPublishing(clock);
  await confirm(t.store, 'edge', 0);
  await write(t.store, 30);
  await maintain(t.store);
  expect(warnedAt(t.store)).toBe(clock.nowMs);

  clock.nowMs += noticeMs;
  await confirm(t.store, 'edge', 30);
  await maintain(t.store);
  expect(warnedAt(t.store)).toBeUndefined();
  expect(t.store.endurance.fill).toBeLessThanOrEqual(1);

  await write(t.store, 30);
  clock.nowMs += 10_000;
  await maintain(t.store);
  expect(firstOf(t.store)).toBe(31);
  expect(warnedAt(t.store)).toBe(clock.nowMs);
});

test('what is too old goes by the same rule', async () => {
  const clock = { nowMs: 1_800_000_000_000 };
  await using t = await openPublishing(clock);
  await write(t.store, 3);
  await confirm(t.store, 'edge', 1);

  clock.nowMs += 11 * 86_400_000;
  await maintain(t.store);
  expect(firstOf(t.store)).toBe(2);

  clock.nowMs += noticeMs;
  await maintain(t.store);
  expect(numbersOf(t.store)).toEqual([]);
});

test('a subscriber that is past serving keeps nothing', async () => {
  const clock = { nowMs: 1_800_000_000_000 };
  await using t = await openPublishing(clock);
  await write(t.store, 5);
  await confirm(t.store, 'edge', 1);
  await t.store.purgeChannel(tableOf(t.store), { keep: 2 });
  await write(t.store, 30);

  await maintain(t.store);

  expect(t.store.endurance.fill).toBeLessThanOrEqual(1);
});
