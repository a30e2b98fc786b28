import { expect, test } from 'vitest';
import type { Document, Key } from '../../src/model/change.ts';
import { addedAgain } from '../../src/model/node.ts';
import { atOnce } from '../../src/runtime/pauses.ts';
import { documentsOf, makeTable, rowsOf, tableOf, TestStore, upsert } from '../store/test-store.ts';
import { differences, expectIndexed, openDeleting, tagged } from './deleting-pair.ts';
import { yearsPass } from './long-absence.ts';
import { openPair, type Pair } from './replica-pair.ts';
import { connect, expectSame, keysOf, Replica, settle } from './replica.ts';

const brown = (id: string): Document => ({ id, tag: 'brown' });

/** What delete_records_before does to a table. */
function removeHere({ store, table }: Replica, keys: readonly Key[]): Promise<number> {
  return store.removeHere({ table, keys, isDoomed: () => true, user: 'admin' });
}

test('records that are removed on one node stay on the others, and nothing brings them back or differs', async () => {
  await using nodes = await openDeleting('apply');
  const { a, b } = nodes;
  await a.upsert(brown('rex'), brown('fido'), brown('max'));
  await settle(a, b);
  const head = b.store.log.head(b.table.id).headSeq;

  expect(await removeHere(b, ['rex', 'fido', 'absent'])).toBe(2);
  expect(await removeHere(b, ['rex'])).toBe(0);
  await settle(a, b);

  expect(documentsOf(b.store).map(({ id }) => id)).toEqual(['max']);
  expect(documentsOf(a.store).map(({ id }) => id)).toEqual(['fido', 'max', 'rex']);
  expect(tagged(b, 'brown')).toEqual(['max']);
  await expectIndexed(b);
  expect(b.store.statistics(b.table)).toMatchObject({ records: 1, tombstones: 0 });
  expect(b.store.log.head(b.table.id).headSeq).toBe(head);
  expectSame(a, b);
  expect(await differences(nodes)).toBe(0);
});

test('a copy of the table again brings them back on neither side', async () => {
  await using nodes = await openDeleting('apply');
  const { a, b } = nodes;
  await a.upsert(brown('rex'), brown('max'));
  await settle(a, b);
  await removeHere(b, ['rex']);

  await b.store.putCursor(a.store.identity.storeId, b.table, undefined);
  b.receiver(a).restart();
  const kinds = (await b.follow(a)).map(({ request }) => request.kind);
  await settle(a, b);

  expect(kinds).toContain('copy');
  expect(documentsOf(b.store)).toEqual([brown('max')]);
  expect(documentsOf(a.store)).toEqual([brown('max'), brown('rex')]);
  expect(await differences(nodes)).toBe(0);
});

test('a table of which all is removed here passes for none that is empty: a copy into it is compared', async () => {
  await using nodes = await openDeleting('apply');
  const { a, b } = nodes;
  await b.upsert(brown('rex'));
  await removeHere(b, ['rex']);
  await a.upsert(brown('max'));
  await b.store.putCursor(a.store.identity.storeId, b.table, undefined);
  b.receiver(a).restart();

  await b.follow(a);

  expect(b.cursor(a)).toMatchObject({ unproven: expect.anything() });
  await b.compare(a);
  expect(b.cursor(a)?.unproven).toBeUndefined();
});

test('a node that subscribes later gets them, for they are records of the table', async () => {
  await using nodes = await openDeleting('apply');
  const { a, b } = nodes;
  await b.upsert(brown('rex'), brown('max'));
  await settle(a, b);
  await removeHere(b, ['rex']);
  await using c = await Replica.open('c');

  await connect(b, c);
  await settle(b, c);

  expect(documentsOf(c.store)).toEqual([brown('max'), brown('rex')]);
  expect(rowsOf(c.store)).toEqual(rowsOf(b.store));
});

test('a later write of the record, here or there, shows it again; a delete by a peer deletes it', async () => {
  await using nodes = await openDeleting('apply');
  const { a, b } = nodes;
  await a.upsert(brown('rex'), brown('fido'), brown('max'));
  await settle(a, b);
  await removeHere(b, ['rex', 'fido', 'max']);

  await a.upsert({ id: 'rex', age: 5 });
  await b.upsert({ id: 'fido', age: 6 });
  await a.delete('max');
  await settle(a, b);

  expect(documentsOf(b.store)).toEqual([
    { id: 'fido', age: 6 },
    { id: 'rex', age: 5, tag: 'brown' },
  ]);
  expectSame(a, b);
  await expectIndexed(b);
  expect(b.store.statistics(b.table)).toMatchObject({ records: 2, tombstones: 1 });
});

/** How long after it has come a record that `on_delete: ignore` kept is removed. */
const moments: Record<string, (nodes: Pair) => Promise<void>> = {
  async 'at once'() {
    // Its delete is in the queue of tombstones.
  },
  async 'years later'({ a, b }) {
    await yearsPass(a, b);
  },
};

test.each(Object.keys(moments))(
  'what on_delete: ignore kept and is removed %s leaves a tombstone that is counted, and goes in its time',
  async (moment) => {
    await using nodes = await openDeleting('ignore');
    const { a, b } = nodes;
    const expectCounted = (records: number, tombstones: number): void => {
      expect(b.store.statistics(b.table)).toMatchObject({ records, tombstones });
      expect(rowsOf(b.store)).toHaveLength(records + tombstones);
    };
    await a.upsert(brown('rex'));
    await settle(a, b);
    await a.delete('rex');
    await settle(a, b);
    await moments[moment]?.(nodes);
    expectCounted(1, 0);
    const kept = rowsOf(b.store);

    expect(await removeHere(b, ['rex'])).toBe(1);

    expect(documentsOf(b.store)).toEqual([]);
    await expectIndexed(b);
    expectCounted(0, 1);
    expect(rowsOf(b.store)).toEqual(kept);
    const line = (await b.dump())['records']?.find((entry) => entry.includes('"rex"'));
    expect(line).not.toContain(Buffer.from('brown').toString('hex'));
    expect(await differences(nodes)).toBe(0);

    await yearsPass(a, b);
    expectCounted(0, 0);
    await using c = await Replica.open('c');
    c.pass(b.nowMs - c.nowMs);
    await connect(b, c);
    const kinds = (await c.follow(b)).map(({ request }) => request.kind);
    expect(kinds).toContain('copy');

    await a.upsert({ id: 'rex', age: 5 });
    await settle(a, b, c);
    expect(documentsOf(c.store)).toEqual([{ id: 'rex', age: 5 }]);
    expectSame(a, b, c);
    expectCounted(1, 0);
  },
);

test('of a table that nobody shares they are deleted, and their place is freed', async () => {
  await using opened = await TestStore.open();
  await makeTable(opened.store);
  await upsert(opened.store, { id: 1 }, { id: 2 });
  const table = tableOf(opened.store);

  const isDoomed = ({ id }: Document): boolean => id === 1;
  const removed = await opened.store.removeHere({ table, keys: [1, 2], isDoomed, user: 'admin' });

  expect(removed).toBe(1);
  expect(rowsOf(opened.store).map(({ key, bytes }) => [key, bytes === null])).toEqual([
    [1, true],
    [2, false],
  ]);
  expect([...atOnce(opened.store.transactionLog(table, {}))].at(-1)).toMatchObject({
    operation: 'delete',
    user: 'admin',
    keys: [1],
  });
});
test('what is removed here alone stays at a node that was removed and is added again', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);
  // remove_node, delete_records_before and add_node, as the operations do them.
  const version = await b.store.nodes.decide((version) => version);
  await b.store.nodes.update('a', (row) => row && { ...row, subscriptions: [], removedVersion: version });
  await removeHere(b, [1]);
  await b.store.nodes.update('a', (row) => {
    if (!row) return undefined;
    const { removedVersion: _removed, ...rest } = row;
    return { ...rest, addedVersion: version + 1 };
  });
  await connect(b, a);

  await settle(a, b);

  expect(keysOf(a)).toEqual([1]);
});

test('so does what is removed here after that node was added again, without the table', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1 });
  await settle(a, b);
  const version = await b.store.nodes.decide((version) => version);
  await b.store.nodes.update(
    'a',
    (row) => row && addedAgain({ ...row, subscriptions: [], removedVersion: version }),
  );

  await removeHere(b, [1]);

  await connect(b, a);
  await settle(a, b);
  expect(keysOf(a)).toEqual([1]);
});
