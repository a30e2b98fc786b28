import { describe, expect, test } from 'vitest';
import { encodeBody } from '../../src/channel/message-body.ts';
import { documentsOf, maintain, makeTable, rowsOf } from '../store/test-store.ts';
import { openDeleting, decide, shown, tagged, expectIndexed, rex } from './deleting-pair.ts';
import type { Pair } from './replica-pair.ts';
import { connect, expectSame, Replica, settle, sourceOf } from './replica.ts';

describe('a record that was retained', () => {
  /** rex is deleted at a and retained at b. */
  async function openRetained(): Promise<Pair> {
    const nodes = await openDeleting('ignore');
    await nodes.a.upsert(rex);
    await settle(nodes.a, nodes.b);
    await nodes.a.delete('rex');
    await settle(nodes.a, nodes.b);
    expect(shown(nodes.b).get('rex')).toEqual(rex);
    return nodes;
  }

  test('outlives a restart, and a delete that comes again', async () => {
    await using nodes = await openRetained();
    const { a, b } = nodes;
    await b.restart();
    const [tombstone] = rowsOf(a.store);
    if (!tombstone) throw new Error('There is no tombstone');
    const again = { ...tombstone, version: tombstone.version + 1 };
    const source = sourceOf(a, b);

    expect((await b.store.comparison.repair(source, [again])).won).toBe(1);

    expect(rowsOf(b.store)).toEqual([again]);
    expect(shown(b).get('rex')).toEqual(rex);
    await expectIndexed(b);
  });

  test('gives way to a later write of the peer, index entries too', async () => {
    await using nodes = await openRetained();
    const { a, b } = nodes;

    await a.upsert({ id: 'rex', tag: 'white' });
    await settle(a, b);

    expect([...shown(b).values()]).toEqual([{ id: 'rex', tag: 'white' }]);
    expect(tagged(b, 'brown')).toEqual([]);
    await expectIndexed(b);
    expectSame(a, b);
  });

  test('stays under an older write that comes late', async () => {
    await using nodes = await openDeleting('ignore');
    const { a, b } = nodes;
    await using c = await Replica.open('c');
    await makeTable(c.store);
    await a.upsert(rex);
    await settle(a, b);
    await c.upsert({ id: 'rex', tag: 'late' });
    a.pass(1_000);
    await a.delete('rex');
    await settle(a, b);
    await connect(b, c);

    await settle(a, b, c);

    expect(shown(b).get('rex')).toEqual(rex);
    await expectIndexed(b);
    expectSame(a, b, c);
  });

  test('is merged by a local update, which is a new write and travels', async () => {
    await using nodes = await openRetained();
    const { a, b } = nodes;

    await b.store.write({ table: b.table, operation: 'update', documents: [{ id: 'rex', age: 7 }] });
    await settle(a, b);

    expect(shown(b).get('rex')).toEqual({ ...rex, age: 7 });
    expect(shown(a).get('rex')).toEqual({ ...rex, age: 7 });
    await expectIndexed(b);
    expectSame(a, b);
  });

  test('exists for a local insert, and is deleted by a local delete', async () => {
    await using nodes = await openRetained();
    const { a, b } = nodes;
    const { table } = b;

    expect(await b.store.write({ table, operation: 'insert', documents: [{ id: 'rex' }] })).toMatchObject({
      written: [],
      skipped: ['rex'],
    });
    expect(await b.store.delete({ table, keys: ['rex'] })).toEqual({ deleted: ['rex'], skipped: [] });
    await settle(a, b);

    expect(b.store.get(table, 'rex')).toBeUndefined();
    await expectIndexed(b);
    expectSame(a, b);
    expect(rowsOf(a.store)).toMatchObject([{ bytes: null, origin: { name: 'b' } }]);
    expect(await b.store.delete({ table, keys: ['rex'] })).toEqual({ deleted: [], skipped: ['rex'] });
  });

  test('never leaves its node: not by a copy, a digest, a list or a fetch', async () => {
    await using nodes = await openRetained();
    const { a, b } = nodes;
    await using c = await Replica.open('c');
    await connect(b, c);
    const secret = 'a good dog';

    const answers = (await c.follow(b)).map(({ response }) => response);
    const server = b.server();
    const channel = 'dev:dog';
    const identity = { storeId: b.store.identity.storeId, incarnation: b.table.incarnation };
    const range = { after: null, upTo: null };
    const digest = { kind: 'digest' as const, channel, identity, after: null, newerThan: 0 };
    const list = { kind: 'list' as const, channel, identity, range, newerThan: 0 };
    const rows = { kind: 'rows' as const, channel, identity, keys: ['rex'] };
    for (const request of [digest, list, rows]) answers.push(await server.answer('c', request));

    expect(answers.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['page', 'digest', 'list', 'rows']),
    );
    for (const answer of answers) expect(Buffer.from(encodeBody(answer)).includes(secret)).toBe(false);
    expect(answers).toContainEqual(expect.objectContaining({ kind: 'list', entries: [] }));
    expect(documentsOf(c.store)).toEqual([]);
    expectSame(a, b, c);
  });

  test('keeps hidden what a drop_attribute hid, before and after', async () => {
    await using nodes = await openDeleting('ignore');
    const { a, b } = nodes;
    await a.upsert({ ...rex, age: 7 });
    await settle(a, b);
    await b.store.catalog.dropAttribute('dev', 'dog', 'text');
    a.pass(1_000);
    await a.delete('rex');

    await settle(a, b);

    expect(shown(b).get('rex')).toEqual({ id: 'rex', tag: 'brown', age: 7 });
    await b.store.catalog.dropAttribute('dev', 'dog', 'age');
    expect(shown(b).get('rex')).toEqual({ id: 'rex', tag: 'brown' });
    expectSame(a, b);
  });

  test('is in an index that is built later', async () => {
    await using nodes = await openRetained();
    const { b } = nodes;
    await b.store.catalog.wantIndex(b.table, 'text');

    await maintain(b.store);

    const attribute = b.table.attributes.find(({ name }) => name === 'text');
    expect(attribute?.index).toBe('ready');
    const entry = JSON.stringify([b.table.id, attribute?.number, 'a good dog', 'rex']);
    expect((await b.dump())['indexes']).toContain(`${entry} = `);
  });

  test('is counted once in what a copy has to bring', async () => {
    await using nodes = await openRetained();
    const { b } = nodes;
    await b.upsert({ id: 'fido' });

    const { records, tombstones } = b.store.statistics(b.table);

    expect(records + tombstones).toBe(rowsOf(b.store).length);
  });

  test('stays when the policy becomes apply; the next delete that comes removes it', async () => {
    await using nodes = await openRetained();
    const { a, b } = nodes;
    await decide(b, 'a', 'apply');
    await settle(a, b);
    expect(shown(b).get('rex')).toEqual(rex);

    await a.upsert({ id: 'rex', tag: 'white' });
    await a.delete('rex');
    await settle(a, b);

    expect(b.store.get(b.table, 'rex')).toBeUndefined();
    await expectIndexed(b);
  });
});
