import { describe, expect, test } from 'vitest';
import { openFrame } from '../../src/model/transaction-codec.ts';
import { Rows } from '../../src/operation/rows.ts';
import { runOperation } from '../../src/operation/run-operation.ts';
import { localUser } from '../../src/operation/user/user.ts';
import { openServices } from '../operation/open-services.ts';
import { maintain, makeTable, numbersOf, upsert } from '../store/test-store.ts';
import { expectIndexed } from './deleting-pair.ts';
import { openMesh, openPair } from './replica-pair.ts';
import { connect, contentOf, expectSame, keysOf, relayWaitMs, Replica, settle } from './replica.ts';

/** The table as each way to read it answers. */
async function readings({ store }: Replica): Promise<Record<string, unknown>> {
  await using opened = await openServices(store);
  const read = async (body: object): Promise<unknown> => {
    const answer = await runOperation({ ...opened.services, user: localUser }, body);
    return answer instanceof Rows ? [...answer] : answer;
  };
  const place = { schema: 'dev', table: 'dog', get_attributes: ['id', 'tag'] };
  return {
    byKey: await read({ operation: 'search_by_hash', ...place, hash_values: [1, 2, 3] }),
    byScan: await read({ operation: 'search_by_value', ...place, search_attribute: 'id', search_value: '*' }),
    byIndex: await read({
      operation: 'search_by_value',
      ...place,
      search_attribute: 'tag',
      search_value: 'brown',
    }),
    bySql: await read({ operation: 'sql', sql: "SELECT id, tag FROM dev.dog WHERE tag = 'brown'" }),
  };
}

describe('a mesh of three', () => {
  test('sends each body once to each node: who has a direct link gets a stub from the others', async () => {
    await using mesh = await openMesh();
    const { a, b, c } = mesh;
    await a.upsert({ id: 1 });

    await b.follow(a);
    await c.follow(a);
    const seen = await c.ask(b);

    const { response } = seen;
    if (response.kind !== 'items') throw new Error(`expected items, got ${response.kind}`);
    expect(response.items.map((frame) => openFrame(frame).kind)).toEqual(['stub']);
    await settle(a, b, c);
    expectSame(a, b, c);
    for (const replica of [a, b, c]) expect(numbersOf(replica.store)).toHaveLength(1);
  });

  test('a stub waits for the direct link, and is passed when that has brought the body', async () => {
    await using mesh = await openMesh();
    const { a, b, c } = mesh;
    await a.upsert({ id: 1 });
    await b.follow(a);

    await c.step(b);
    expect(c.receiver(b).state).toMatchObject({ kind: 'awaiting-body', untilMs: c.nowMs + relayWaitMs });
    expect(keysOf(c)).toEqual([]);
    const early = await c.ask(b);
    expect(early.request).toMatchObject({ kind: 'pull', bodies: false });
    await c.follow(a);
    await c.follow(b);

    expect(c.receiver(b).state.kind).toBe('following');
    expect(c.cursor(b)?.seq).toBe(b.store.log.head(b.table.id).headSeq);
    expect(keysOf(c)).toEqual([1]);
    expect(numbersOf(c.store)).toHaveLength(1);
  });

  test('after relayWaitMs whoever showed the stub is asked for the body', async () => {
    await using mesh = await openMesh();
    const { a, b, c } = mesh;
    await a.upsert({ id: 1 });
    await b.follow(a);
    await c.step(b);

    c.pass(relayWaitMs - 1);
    await c.step(b);
    expect(keysOf(c)).toEqual([]);
    c.pass(1);
    const { request } = await c.step(b);
    await c.follow(b);

    expect(request).toMatchObject({ bodies: true });
    expect(keysOf(c)).toEqual([1]);
    // The direct link comes back and brings the same again.
    const before = contentOf(c);
    await settle(a, b, c);
    expect(contentOf(c)).toEqual(before);
    expect(numbersOf(c.store)).toHaveLength(1);
    expectSame(a, b, c);
  });

  test('when a node dies the survivors pass on what it had told only one of them', async () => {
    await using mesh = await openMesh();
    const { a, b, c } = mesh;
    for (const { store } of [b, c]) {
      await store.catalog.createAttribute('dev', 'dog', { name: 'tag', indexed: true });
      await maintain(store);
    }
    await a.upsert({ id: 1, tag: 'brown' }, { id: 2, tag: 'brown' }, { id: 3, tag: 'white' });
    await a.delete(1);
    await b.follow(a);
    for (const survivor of [b, c]) survivor.cut.add('a');
    expect(keysOf(c)).toEqual([]);

    await settle(b, c);

    expectSame(b, c);
    for (const survivor of [b, c]) {
      await expectIndexed(survivor);
      expect(await readings(survivor)).toEqual({
        byKey: [
          { id: 2, tag: 'brown' },
          { id: 3, tag: 'white' },
        ],
        byScan: [
          { id: 2, tag: 'brown' },
          { id: 3, tag: 'white' },
        ],
        byIndex: [{ id: 2, tag: 'brown' }],
        bySql: [{ id: 2, tag: 'brown' }],
      });
    }
  });

  test('a chain passes everything on, both ways, and nothing echoes', async () => {
    await using a = await Replica.open('a');
    await using b = await Replica.open('b');
    await using c = await Replica.open('c');
    await makeTable(a.store);
    await connect(a, b);
    await connect(b, c);
    await settle(a, b, c);
    await a.upsert({ id: 'a' });
    await c.upsert({ id: 'c' });

    await settle(a, b, c);

    expectSame(a, b, c);
    expect(keysOf(b)).toEqual(['a', 'c']);
    for (const replica of [a, b, c]) expect(numbersOf(replica.store)).toHaveLength(2);
  });
});

test('writes at both ends of a record meet in the higher version, also against a delete', async () => {
  await using nodes = await openPair();
  const { a, b } = nodes;
  await a.upsert({ id: 1 }, { id: 2 });
  await settle(a, b);
  a.pass(10);
  b.pass(5);
  await a.delete(1);
  await b.upsert({ id: 1, by: 'b' });
  await upsert(b.store, { id: 2, by: 'b' });
  await a.delete(2);

  await settle(a, b);

  expectSame(a, b);
  expect(keysOf(a)).toEqual([]);
});
