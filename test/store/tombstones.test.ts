import { describe, expect, test } from 'vitest';
import type { Key } from '../../src/model/change.ts';
import type { Store } from '../../src/store/store.ts';
import { makeTable, maintain, rowsOf, tableOf, TestStore, upsert } from './test-store.ts';

const dayMs = 86_400_000;

class Shelf implements AsyncDisposable {
  readonly test: TestStore;
  readonly clock: { ms: number };

  private constructor(test: TestStore, clock: { ms: number }) {
    this.test = test;
    this.clock = clock;
  }

  static async open(): Promise<Shelf> {
    const clock = { ms: 1_800_000_000_000 };
    const test = await TestStore.open({
      now: () => clock.ms,
      logMaxAgeMs: 1_000 * dayMs,
      tombstoneRetentionMs: 30 * dayMs,
      tombstoneMaxMs: 365 * dayMs,
    });
    await makeTable(test.store);
    return new Shelf(test, clock);
  }

  get store(): Store {
    return this.test.store;
  }

  get table() {
    return tableOf(this.store);
  }

  async delete(...keys: readonly Key[]): Promise<void> {
    await this.store.delete({ table: this.table, keys });
  }

  /** So many days later, with all maintenance done. */
  async after(days: number): Promise<void> {
    this.clock.ms += days * dayMs;
    await maintain(this.store);
  }

  keys(): Key[] {
    return rowsOf(this.store).map(({ key }) => key);
  }

  /** Makes `peer` a subscriber that has confirmed everything up to now. */
  async confirm(peer: string): Promise<void> {
    const { headSeq: seq, headId: id } = this.store.log.head(this.table.id);
    const subscription = { database: 'dev', table: 'dog', publish: true, subscribe: false, version: 1 };
    await this.store.nodes.put({ name: peer, addedVersion: 1, subscriptions: [subscription] });
    await this.store.confirmed.note(peer, [{ tableId: this.table.id, seq, id }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}

describe('a tombstone that nobody waits for', () => {
  test('stays for the retention and then goes, and the table remembers its version', async () => {
    await using shelf = await Shelf.open();
    await upsert(shelf.store, { id: 1 }, { id: 2 });
    await shelf.delete(1);
    const version = rowsOf(shelf.store).find(({ key }) => key === 1)?.version;

    await shelf.after(29);
    expect(shelf.keys()).toEqual([1, 2]);
    expect(shelf.store.tombstones.deletedBefore(shelf.table.id)).toBe(0);

    await shelf.after(2);
    expect(shelf.keys()).toEqual([2]);
    expect(shelf.store.statistics(shelf.table)).toMatchObject({ records: 1, tombstones: 0 });
    expect(shelf.store.tombstones.deletedBefore(shelf.table.id)).toBe(version);
  });

  test('changes nothing that is logged, numbered or digested when it goes', async () => {
    await using shelf = await Shelf.open();
    await upsert(shelf.store, { id: 1 }, { id: 2 });
    await shelf.delete(1);
    const range = { after: null, upTo: null };
    const before = await shelf.test.dump();
    const digest = shelf.store.digests.range(shelf.table, range, 0, Infinity);

    await shelf.after(31);

    const after = await shelf.test.dump();
    expect(shelf.keys()).toEqual([2]);
    for (const tree of ['log', 'channels', 'indexes', 'cursors', 'marks', 'meta'])
      expect(after[tree]).toEqual(before[tree]);
    expect(shelf.store.digests.range(shelf.table, range, 0, Infinity)).toEqual(digest);
  });

  test('goes in short commits, and what is left goes after a restart', async () => {
    await using shelf = await Shelf.open();
    const ids = Array.from({ length: 4_500 }, (_, id) => id);
    await upsert(shelf.store, ...ids.map((id) => ({ id })));
    await shelf.delete(...ids);
    shelf.clock.ms += 31 * dayMs;

    await shelf.store.maintenance.step();
    expect(shelf.keys()).toHaveLength(2_500);
    await shelf.test.reopen();
    await maintain(shelf.store);

    expect(shelf.keys()).toEqual([]);
    expect((await shelf.test.dump())['tombstones']).toHaveLength(1);
  });
});

describe('a tombstone', () => {
  test('stays while a subscriber has not confirmed it, and goes once every one has', async () => {
    await using shelf = await Shelf.open();
    await upsert(shelf.store, { id: 1 });
    await shelf.confirm('edge-1');
    await shelf.confirm('edge-2');
    await shelf.delete(1);
    await shelf.after(1);
    await shelf.confirm('edge-1');

    await shelf.after(100);
    expect(shelf.keys()).toEqual([1]);

    await shelf.confirm('edge-2');
    await maintain(shelf.store);
    expect(shelf.keys()).toEqual([]);
  });

  test('goes at its maximal age even when a subscriber never came back', async () => {
    await using shelf = await Shelf.open();
    await upsert(shelf.store, { id: 1 });
    await shelf.confirm('edge-1');
    await shelf.delete(1);

    await shelf.after(364);
    expect(shelf.keys()).toEqual([1]);

    await shelf.after(2);
    expect(shelf.keys()).toEqual([]);
  });

  test('that was written over and deleted again counts from its last delete', async () => {
    await using shelf = await Shelf.open();
    await upsert(shelf.store, { id: 1 }, { id: 2 });
    await shelf.delete(1, 2);
    await shelf.after(20);
    await upsert(shelf.store, { id: 1 }, { id: 2 });
    await shelf.delete(2);

    await shelf.after(20);
    expect(shelf.keys()).toEqual([1, 2]);
    expect(shelf.store.get(shelf.table, 1)).toMatchObject({ id: 1 });
    expect(shelf.store.tombstones.deletedBefore(shelf.table.id)).toBe(0);

    await shelf.after(11);
    expect(shelf.keys()).toEqual([1]);
    expect(shelf.store.get(shelf.table, 1)).toMatchObject({ id: 1 });
  });

  test('that came late is kept as long as any, and longer while its row would not be known again', async () => {
    await using shelf = await Shelf.open();
    await using other = await TestStore.open({ nodeName: 'n2', now: () => shelf.clock.ms });
    const theirs = await makeTable(other.store);
    await upsert(other.store, { id: 1 });
    await other.store.delete({ table: theirs, keys: [1] });
    const { storeId } = other.store.identity;
    const { table } = shelf;
    const source = { peer: 'n2', table, storeId, incarnation: theirs.incarnation, newerThan: 0 };
    await shelf.after(40);
    await shelf.store.comparison.repair(source, rowsOf(other.store));

    await shelf.after(29);
    expect(shelf.keys()).toEqual([1]);
    await shelf.after(2);
    expect(shelf.keys()).toEqual([1]);

    const place = { incarnation: theirs.incarnation, seq: 2 };
    const marks = [{ storeId, place, held: { after: 0, upTo: other.store.clock } }];
    await shelf.store.putCursor(storeId, table, {
      incarnation: theirs.incarnation,
      seq: 0,
      id: '',
      copy: undefined,
    });
    await shelf.store.comparison.proven(source, undefined, { marks, deletedBefore: 0 });
    await shelf.after(31);
    expect(shelf.keys()).toEqual([]);
    // Held is not applied in order: the numbers of the channel stay.
    expect(shelf.store.marks.get(table.id, storeId, theirs.incarnation)).toBe(0);
  });

  test('goes with its table', async () => {
    await using shelf = await Shelf.open();
    await upsert(shelf.store, { id: 1 }, { id: 2 });
    await shelf.delete(1);
    await shelf.after(31);
    await shelf.delete(2);
    expect((await shelf.test.dump())['tombstones']).toHaveLength(2);

    await shelf.store.catalog.dropTable('dev', 'dog');
    await maintain(shelf.store);

    expect((await shelf.test.dump())['tombstones']).toEqual([]);
  });
});
