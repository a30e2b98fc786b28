import { describe, expect, test } from 'vitest';
import { decodeChanges } from '../../src/model/transaction-codec.ts';
import { Commit } from '../../src/store/commit.ts';
import { documentsOf, makeTable, rowsOf } from '../store/test-store.ts';
import { openPair, records } from './replica-pair.ts';
import { expectSame, greet, keysOf, settle, type Replica } from './replica.ts';
import { tamper } from './tamper.ts';

/** As if more tombstones had been dropped than were ever counted. */
async function miscount(replica: Replica): Promise<void> {
  const { id } = replica.table;
  await tamper(replica, (_records, environment) => {
    const commit = new Commit(environment, replica.nowMs);
    commit.table(id).tombstones = -3;
    commit.finish();
  });
}

describe('a copy', () => {
  test('brings what was there before, tombstones too, and makes the table', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert(...records(10));
    await a.delete(3, 4);

    await settle(a, b);

    expectSame(a, b);
    expect(keysOf(b)).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
    expect(b.store.statistics(b.table)).toMatchObject({ records: 8, tombstones: 2 });
    expect(b.table.primaryKey).toBe('id');
  });

  test('is logged with the rows that won, and with no other', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await makeTable(b.store);
    await a.upsert(...records(3));
    b.pass(1_000);
    await b.upsert({ id: 1, text: 'newer' });
    const before = b.store.log.totals().position;

    await b.follow(a);

    const logged = b.store.log.at(before + 1)?.parts.flatMap(({ changes }) => decodeChanges(changes));
    expect(logged).toEqual(rowsOf(b.store).filter(({ key }) => key !== 1));
  });

  test('goes on in the middle of the table after a restart, and asks for no row twice', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 });
    const { a, b } = nodes;
    await a.upsert(...records(100, 'x'.repeat(100)));
    await b.step(a);
    for (let page = 0; page < 3; page += 1) await b.step(a);
    const { copy } = b.cursor(a) ?? {};
    expect(copy?.total).toBe(100);
    expect(copy?.rows).toBeGreaterThan(0);
    expect(copy?.rows).toBeLessThan(100);
    expect(rowsOf(b.store)).toHaveLength(copy?.rows ?? -1);

    await b.restart();
    expect(b.cursor(a)?.copy).toEqual(copy);
    await a.upsert({ id: 0, text: 'changed meanwhile' }, { id: 1_000 });
    const exchanges = await b.follow(a);

    const pages = exchanges.flatMap(({ response }) => (response.kind === 'page' ? [response] : []));
    expect(pages[0]?.copyId).toBe(copy?.id);
    expect(exchanges.find(({ request }) => request.kind === 'copy')?.request).toMatchObject({
      after: copy?.afterKey,
    });
    await settle(a, b);
    expectSame(a, b);
    expect(keysOf(b)).toHaveLength(101);
  });

  test('begins anew when the publisher has become another store in the middle of it', async () => {
    await using nodes = await openPair({ maxBatchBytes: 1_000 });
    const { a, b } = nodes;
    await a.upsert(...records(40, 'x'.repeat(100)));
    await b.step(a);
    await b.step(a);
    expect(b.cursor(a)?.copy?.rows).toBeGreaterThan(0);
    const backup = await a.backUp('backup');

    await a.restart({ path: backup });
    await a.upsert({ id: 'new' });
    await greet(a, b);
    await settle(a, b);

    expectSame(a, b);
    expect(keysOf(b)).toContain('new');
  });

  test('of rows that lose changes nothing, and both sides end alike', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await makeTable(b.store);
    await a.upsert({ id: 1, by: 'a' }, { id: 2, by: 'a' });
    b.pass(10);
    await b.upsert({ id: 1, by: 'b' }, { id: 3, by: 'b' });

    await settle(a, b);

    expectSame(a, b);
    expect(documentsOf(a.store)).toEqual([
      { id: 1, by: 'b' },
      { id: 2, by: 'a' },
      { id: 3, by: 'b' },
    ]);
  });

  test('is made also of a table whose tombstones are miscounted', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await a.upsert({ id: 1 });
    await miscount(a);

    const totals = (await b.follow(a)).flatMap(({ response }) =>
      'total' in response ? [response.total] : [],
    );

    expect(totals).toEqual([1]);
    expect(keysOf(b)).toEqual([1]);
  });

  test('into a table whose tombstones are miscounted meets the records that are there', async () => {
    await using nodes = await openPair();
    const { a, b } = nodes;
    await makeTable(b.store);
    await b.upsert({ id: 1 });
    await miscount(b);

    await b.follow(a);

    expect(b.cursor(a)?.unproven).toBeDefined();
  });
});
