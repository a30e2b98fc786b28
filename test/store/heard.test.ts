import { expect, test } from 'vitest';
import { msToVersion } from '../../src/model/version-clock.ts';
import type { Store } from '../../src/store/store.ts';
import { makeTable, TestStore } from './test-store.ts';

const day = 86_400_000;
const now = 1_800_000_000_000;

async function takeFrom(store: Store, ...peers: readonly string[]): Promise<void> {
  for (const name of peers)
    await store.nodes.put({
      name,
      addedVersion: 1,
      subscriptions: [{ database: 'dev', table: 'dog', publish: false, subscribe: true, version: 1 }],
    });
}

test('nothing is on its way from a peer once its head of that moment is reached', async () => {
  await using t = await TestStore.open();
  const dog = await makeTable(t.store);
  expect(t.store.heard.upTo(dog)).toBe(Infinity);
  await takeFrom(t.store, 'edge');
  expect(t.store.heard.upTo(dog)).toBe(0);

  await t.store.heard.note('edge', [{ tableId: dog.id, headSeq: 10, upTo: msToVersion(now), seq: 3 }]);
  // It writes faster than we follow: what counts is where it was.
  await t.store.heard.note('edge', [{ tableId: dog.id, headSeq: 20, upTo: msToVersion(now + day), seq: 9 }]);
  expect(t.store.heard.upTo(dog)).toBe(0);

  await t.store.heard.note('edge', [
    { tableId: dog.id, headSeq: 30, upTo: msToVersion(now + 2 * day), seq: 11 },
  ]);
  expect(t.store.heard.upTo(dog)).toBe(msToVersion(now));
  await t.reopen();
  expect(t.store.heard.upTo(dog)).toBe(msToVersion(now));
});

test('the publisher that was heard longest ago decides', async () => {
  await using t = await TestStore.open();
  const dog = await makeTable(t.store);
  await takeFrom(t.store, 'one', 'two');

  await t.store.heard.note('one', [{ tableId: dog.id, headSeq: 1, upTo: msToVersion(now + day), seq: 1 }]);
  expect(t.store.heard.upTo(dog)).toBe(0);
  await t.store.heard.note('two', [{ tableId: dog.id, headSeq: 1, upTo: msToVersion(now), seq: 1 }]);

  expect(t.store.heard.upTo(dog)).toBe(msToVersion(now));
});

test('a peer that is another store now has said nothing yet', async () => {
  await using t = await TestStore.open();
  const dog = await makeTable(t.store);
  await takeFrom(t.store, 'edge', 'other');
  for (const name of ['edge', 'other'])
    await t.store.heard.note(name, [{ tableId: dog.id, headSeq: 1, upTo: msToVersion(now), seq: 1 }]);

  await t.store.heard.forget('other');
  expect(t.store.heard.upTo(dog)).toBe(0);
  await t.store.heard.note('other', [{ tableId: dog.id, headSeq: 1, upTo: msToVersion(now - 1), seq: 1 }]);

  expect(t.store.heard.upTo(dog)).toBe(msToVersion(now - 1));
});

test('a node that writes nothing follows what its peers have, not beyond its own clock', async () => {
  const clock = { ms: now };
  await using t = await TestStore.open({ now: () => clock.ms });
  await makeTable(t.store);
  const before = t.store.clock;
  clock.ms += day;

  await t.store.heard.follow(msToVersion(now + 1));
  expect(t.store.clock).toBe(before);
  await t.store.heard.follow(msToVersion(now + day / 2));
  expect(t.store.clock).toBe(msToVersion(now + day / 2));
  await t.store.heard.follow(Number.MAX_SAFE_INTEGER);

  expect(t.store.clock).toBe(msToVersion(now + day));
});

test('a tombstone that every subscriber has passed stays while something older may come', async () => {
  const clock = { ms: now };
  await using t = await TestStore.open({ now: () => clock.ms, tombstoneRetentionMs: day });
  const dog = await makeTable(t.store);
  await takeFrom(t.store, 'edge');
  await t.store.write({ table: dog, operation: 'upsert', documents: [{ id: 1 }] });
  await t.store.delete({ table: dog, keys: [1] });
  clock.ms += 2 * day;
  const settle = async (): Promise<number> => {
    while (await t.store.maintenance.step());
    return t.store.statistics(dog).tombstones;
  };

  expect(await settle()).toBe(1);
  await t.store.heard.note('edge', [{ tableId: dog.id, headSeq: 5, upTo: msToVersion(clock.ms), seq: 4 }]);
  expect(await settle()).toBe(1);
  await t.store.heard.note('edge', [{ tableId: dog.id, headSeq: 6, upTo: msToVersion(clock.ms), seq: 5 }]);

  expect(await settle()).toBe(0);
});
