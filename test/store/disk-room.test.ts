import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeAlarms } from '../../src/channel/alarms.ts';
import { Store } from '../../src/store/store.ts';
import { SmallDisk } from '../cluster/support/small-disk.ts';
import { documentsOf, makeTable, storeOptions, tableOf, upsert } from './test-store.ts';

const { hindrance } = SmallDisk;
if (hindrance !== undefined) console.warn(`disk-room.test.ts is skipped: ${hindrance}`);

const MiB = 2 ** 20;
/** Longer than a store goes by what it saw of the disk. */
const seen = { timeout: 2_000, interval: 20 };

async function openOn(disk: SmallDisk, minFreeDiskBytes: number): Promise<Store> {
  return Store.open(storeOptions({ path: join(disk.directory, 'data'), minFreeDiskBytes }));
}

/** As many rows as make up so many bytes of records. */
function rows(name: string, bytes: number): { readonly id: string; readonly text: string }[] {
  return Array.from({ length: bytes / 10_000 }, (_, index) => ({
    id: `${name}-${index}`,
    text: 't'.repeat(10_000),
  }));
}

describe.skipIf(hindrance !== undefined)('a store on a disk that is full', () => {
  test('refuses what makes it larger before the disk is really full, says what to do, and goes on when there is room', async () => {
    using disk = SmallDisk.make(64);
    await using store = await openOn(disk, 16 * MiB);
    await makeTable(store);
    await upsert(store, { id: 1 }, { id: 2 });

    disk.fillUpTo(12 * MiB);
    await expect.poll(() => store.shortage, seen).toMatch(/is full/);
    await expect(upsert(store, { id: 3 })).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringMatching(
        /^Nothing was written: the disk of .* is full: 12 MiB are left, of which storage\.minFreeDiskBytes keeps 16 MiB; make room/,
      ) as string,
    });
    expect(documentsOf(store)).toEqual([{ id: 1 }, { id: 2 }]);
    await store.delete({ table: tableOf(store), keys: [2] });
    expect(documentsOf(store)).toEqual([{ id: 1 }]);

    disk.makeRoom();
    await expect.poll(() => store.shortage, seen).toBeUndefined();
    await upsert(store, { id: 3 });
    expect(documentsOf(store)).toEqual([{ id: 1 }, { id: 3 }]);
  });

  test('says so before, while it is less than four times what has to stay free', async () => {
    using disk = SmallDisk.make(64);
    await using store = await openOn(disk, 4 * MiB);
    expect([store.shortage, store.scarcity]).toEqual([undefined, undefined]);

    disk.fillUpTo(12 * MiB);
    await expect
      .poll(() => store.scarcity, seen)
      .toMatch(/^12 MiB are left on the disk of .*, and below storage\.minFreeDiskBytes \(4 MiB\) writes/);
    expect(nodeAlarms(store)).toMatchObject([{ key: 'disk room' }]);
    await makeTable(store);

    disk.fillUpTo(3 * MiB);
    await expect.poll(() => store.shortage, seen).toMatch(/is full/);
    expect(nodeAlarms(store)).toMatchObject([{ key: 'disk' }]);
  });

  test('takes what is decided about peers: that one is removed makes room', async () => {
    using disk = SmallDisk.make(64);
    await using store = await openOn(disk, 16 * MiB);
    const edge = { name: 'edge', host: 'h', port: 1, addedVersion: 1, subscriptions: [] };
    await store.nodes.put(edge);
    disk.fillUpTo(12 * MiB);
    await expect.poll(() => store.shortage, seen).toMatch(/is full/);

    const removedVersion = await store.nodes.decide((version) => version);
    await store.nodes.update('edge', () => ({ ...edge, removedVersion }));

    expect(store.nodes.get('edge')).toMatchObject({ removedVersion });
  });

  test('is opened all the same', async () => {
    using disk = SmallDisk.make(64);
    {
      await using store = await openOn(disk, 16 * MiB);
      await makeTable(store);
      await upsert(store, { id: 1 });
    }
    disk.fillUpTo(12 * MiB);

    await using store = await openOn(disk, 16 * MiB);

    expect(documentsOf(store)).toEqual([{ id: 1 }]);
    await expect(upsert(store, { id: 2 })).rejects.toMatchObject({ code: 'storage_failed' });
  });

  test('fills what was deleted', async () => {
    using disk = SmallDisk.make(96);
    await using store = await openOn(disk, 8 * MiB);
    await makeTable(store);
    const old = rows('old', 20 * MiB);
    await upsert(store, ...old);
    disk.fillUpTo(4 * MiB);
    await expect.poll(() => store.shortage, seen).toMatch(/is full/);

    await store.delete({ table: tableOf(store), keys: old.map(({ id }) => id) });

    await expect.poll(() => store.shortage, seen).toBeUndefined();
    // Far more than the disk has left, with what the log takes.
    for (let index = 0; index < 60; index += 1) await upsert(store, ...rows(`new-${index}`, MiB / 10));
    expect(documentsOf(store)).toHaveLength(60 * rows('', MiB / 10).length);
  });

  test('is not copied where the copy would take what must stay free', async () => {
    using disk = SmallDisk.make(160);
    await using store = await openOn(disk, 16 * MiB);
    await makeTable(store);
    await upsert(store, ...rows('a', 20 * MiB));
    const copy = join(disk.directory, 'copy.mdb');

    disk.fillUpTo(30 * MiB);
    await expect(store.backUp(copy)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringMatching(
        /^Nothing was written: .* MiB are needed on the disk of .*, and 30 MiB are left, of which storage\.minFreeDiskBytes keeps 16 MiB; make room there$/,
      ) as string,
    });
    expect(existsSync(copy)).toBe(false);

    disk.makeRoom();
    await store.backUp(copy);
    expect(existsSync(copy)).toBe(true);
  });

  test('survives commits that the disk does not take: all of them are refused, nothing of them stays, and it goes on', async () => {
    using disk = SmallDisk.make(64);
    await using store = await openOn(disk, 1);
    await makeTable(store);
    await upsert(store, { id: 'before' });

    disk.fillUpTo(MiB);
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map(async (name) => upsert(store, ...rows(name, 4 * MiB))),
    );
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    for (const result of results)
      expect(result).toMatchObject({
        reason: {
          code: 'storage_failed',
          message: expect.stringMatching(/^Nothing was written: the /) as string,
        },
      });
    expect(documentsOf(store)).toEqual([{ id: 'before' }]);

    disk.makeRoom();
    await expect.poll(() => store.shortage, seen).toBeUndefined();
    await upsert(store, ...rows('a', 4 * MiB));
    expect(documentsOf(store)).toHaveLength(1 + rows('a', 4 * MiB).length);
  });
});
