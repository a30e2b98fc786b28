import { describe, expect, test } from 'vitest';
import type { NodeRow } from '../../src/model/node.ts';
import { msToVersion } from '../../src/model/version-clock.ts';
import { decodeDocument } from '../../src/model/transaction-codec.ts';
import { documentsOf, maintain, makeTable, rowsOf, tableOf, TestStore, upsert } from './test-store.ts';
import { writeHeader } from './write-header.ts';

const peer: NodeRow = {
  name: 'n2',
  addedVersion: 1,
  storeId: 'peer',
  subscriptions: [
    { database: 'dev', table: 'dog', publish: true, subscribe: true, version: 1 },
    { database: 'dev', table: 'cat', publish: true, subscribe: true, version: 1 },
  ],
};

const ofBird = { database: 'dev', table: 'bird', publish: true, subscribe: true, version: 1 };
const ofOther = { ...ofBird, database: 'other' };

/** Two tables with rows, a log, cursors and marks of a peer. */
async function openFull(): Promise<TestStore> {
  const test = await TestStore.open();
  await test.store.nodes.put(peer);
  for (const name of ['dog', 'cat']) {
    const table = await makeTable(test.store, name, ['name']);
    await test.store.write({ table, operation: 'insert', documents: [{ id: 1, name: 'rex' }, { id: 2 }] });
    await test.store.delete({ table, keys: [2] });
    await test.store.putCursor('peer', table, { incarnation: 'i', seq: 0, id: '', copy: undefined });
    await test.store.apply({ table, peer: 'n2', storeId: 'peer', incarnation: 'i', newerThan: 0 }, [
      {
        kind: 'whole',
        seq: 1,
        header: writeHeader('AAAAAAAAAAAAAAAA', { name: 'n2', storeId: 'peer' }, 1),
        originPlace: { incarnation: 'i', seq: 1 },
        parts: [],
        changes: Uint8Array.of(0x93, 1, 0x90, 0x90),
      },
    ]);
  }
  return test;
}

describe('a dropped table', () => {
  test('takes its rows, log, cursors and marks with it, and nothing of another table', async () => {
    await using test = await openFull();
    const dog = tableOf(test.store, 'dog');
    const before = await test.dump();

    await test.store.catalog.dropTable('dev', 'dog');
    expect(test.store.cursors.get('peer', dog.id)).toBeUndefined();
    expect(test.store.marks.all(dog.id)).toEqual([]);
    expect(test.store.log.head(dog.id)).toMatchObject({ headSeq: 0, headId: '' });
    await maintain(test.store);

    const after = await test.dump();
    const ofDog = (line: string): boolean => line.startsWith(`[${dog.id},`) || line.startsWith(`${dog.id} =`);
    for (const tree of ['records', 'indexes', 'channels', 'cursors', 'marks', 'tableStates'] as const) {
      expect(before[tree]?.filter(ofDog)).not.toEqual([]);
      expect(after[tree]?.filter(ofDog)).toEqual([]);
    }
    const cat = tableOf(test.store, 'cat');
    const ofCat = (line: string): boolean => line.startsWith(`[${cat.id},`) || line.startsWith(`${cat.id} =`);
    for (const tree of ['records', 'indexes', 'channels', 'cursors', 'marks', 'tableStates'] as const)
      expect(after[tree]?.filter(ofCat)).toEqual(before[tree]?.filter(ofCat));
    expect(before['log']).toHaveLength(6);
    expect(after['log']).toEqual(before['log']?.slice(3));
  });

  test('stops its subscriptions at every peer, with a newer version, and no others', async () => {
    await using test = await openFull();

    await test.store.catalog.dropTable('dev', 'dog');

    const [dog, cat] = test.store.nodes.get('n2')?.subscriptions ?? [];
    expect(dog).toMatchObject({ table: 'dog', stopped: 'dropped here' });
    expect(dog?.version).toBeGreaterThan(1);
    expect(cat).toEqual(peer.subscriptions[1]);
  });

  test('gives its number to nobody: a table of the same name is another one', async () => {
    await using test = await openFull();
    const old = tableOf(test.store, 'dog');
    await test.store.catalog.dropTable('dev', 'dog');
    await test.reopen();

    const again = await makeTable(test.store, 'dog');

    expect(again.id).toBeGreaterThan(Math.max(old.id, tableOf(test.store, 'cat').id));
    expect(again.incarnation).not.toBe(old.incarnation);
    expect(rowsOf(test.store, again)).toEqual([]);
    await upsert(test.store, { id: 9 });
    await maintain(test.store);
    expect(documentsOf(test.store, again)).toEqual([{ id: 9 }]);
    expect(test.store.log.head(again.id)).toMatchObject({ headSeq: 1 });
  });

  test('takes no more writes, cursors or transactions', async () => {
    await using test = await openFull();
    const dog = tableOf(test.store, 'dog');
    await test.store.catalog.dropTable('dev', 'dog');
    await maintain(test.store);
    const before = await test.dump();

    await test.store.putCursor('peer', dog, { incarnation: 'i', seq: 5, id: 'x', copy: undefined });
    const applied = await test.store.apply(
      { table: dog, peer: 'n2', storeId: 'peer', incarnation: 'i', newerThan: 0 },
      [],
    );

    expect(applied.stop).toEqual({ kind: 'no-cursor' });
    expect(await test.dump()).toEqual(before);
  });

  test('a dropped database drops its tables', async () => {
    await using test = await openFull();

    await test.store.catalog.dropDatabase('dev');
    await maintain(test.store);

    expect(test.store.catalog.hasDatabase('dev')).toBe(false);
    expect(test.store.catalog.tables('dev')).toEqual([]);
    expect((await test.dump())['log']).toEqual([]);
    expect(test.store.nodes.get('n2')?.subscriptions.map(({ stopped }) => stopped)).toEqual([
      'dropped here',
      'dropped here',
    ]);
  });

  test('a dropped database stops what its peers would bring of tables that nobody has made yet', async () => {
    await using test = await openFull();
    await test.store.nodes.put({ ...peer, subscriptions: [{ ...ofBird, publish: false }, ofOther] });

    await test.store.catalog.dropDatabase('dev');

    expect(test.store.nodes.get('n2')?.subscriptions).toEqual([
      { ...ofBird, publish: false, stopped: 'dropped here', version: expect.any(Number) },
      ofOther,
    ]);
  });

  test('a stop is newer than what it stops, also where that was decided by a clock that is ahead', async () => {
    await using test = await openFull();
    const version = msToVersion(Date.now() + 60_000);
    const [dog, cat] = peer.subscriptions.map((subscription) => ({ ...subscription, version }));
    await test.store.nodes.put({ ...peer, subscriptions: [dog, cat].flatMap((one) => one ?? []) });

    await test.store.catalog.dropTable('dev', 'dog');

    const stopped = test.store.nodes.get('n2')?.subscriptions.map((one) => one.version);
    expect(stopped).toEqual([version + 1, version]);
  });

  test('a table that is not there cannot be dropped', async () => {
    await using test = await TestStore.open();

    await expect(test.store.catalog.dropTable('no', 'dog')).rejects.toMatchObject({
      code: 'database_missing',
    });
    await makeTable(test.store);
    await expect(test.store.catalog.dropTable('dev', 'cat')).rejects.toMatchObject({ code: 'table_missing' });
  });
});

test('names that differ only by case are refused within a database', async () => {
  await using test = await TestStore.open();
  await makeTable(test.store, 'dog');

  await expect(makeTable(test.store, 'Dog')).rejects.toMatchObject({ code: 'table_exists' });
  await expect(makeTable(test.store, 'dog')).rejects.toMatchObject({ code: 'table_exists' });
});

describe('a dropped attribute', () => {
  async function openDog(): Promise<TestStore> {
    const test = await TestStore.open();
    await makeTable(test.store, 'dog', ['name']);
    await upsert(test.store, { id: 1, name: 'rex', age: 3 }, { id: 2, name: 'max' });
    await test.store.catalog.dropAttribute('dev', 'dog', 'name');
    return test;
  }
  const named = (value: string) => ({
    where: {
      operator: 'and' as const,
      conditions: [{ attribute: 'name', comparator: 'equals' as const, value }],
    },
  });

  test('is hidden from every answer, and its bytes stay', async () => {
    await using test = await openDog();

    expect(documentsOf(test.store)).toEqual([{ id: 1, age: 3 }, { id: 2 }]);
    expect(test.store.get(tableOf(test.store), 2)).not.toHaveProperty('name');
    expect([...test.store.search(tableOf(test.store), named('rex'))]).toEqual([]);
    const [row] = rowsOf(test.store);
    expect(decodeDocument(row?.bytes ?? new Uint8Array())).toMatchObject({ name: 'rex' });
  });

  test('does not come back with its values when it is made again, indexed or not', async () => {
    for (const indexed of [false, true]) {
      await using test = await openDog();

      await test.store.catalog.createAttribute('dev', 'dog', { name: 'name', indexed });
      await maintain(test.store);

      expect(documentsOf(test.store)).toEqual([{ id: 1, age: 3 }, { id: 2 }]);
      expect([...test.store.search(tableOf(test.store), named('rex'))]).toEqual([]);
      await upsert(test.store, { id: 2, name: 'max' });
      expect(documentsOf(test.store)).toEqual([
        { id: 1, age: 3 },
        { id: 2, name: 'max' },
      ]);
      expect([...test.store.search(tableOf(test.store), named('max'))].map(({ id }) => id)).toEqual([2]);
    }
  });

  test('does not come back with a merge into an old record', async () => {
    await using test = await openDog();

    await upsert(test.store, { id: 1, age: 4 });
    await upsert(test.store, { id: 3, name: 'new' });

    expect(documentsOf(test.store)).toEqual([{ id: 1, age: 4 }, { id: 2 }, { id: 3, name: 'new' }]);
  });

  test('may be dropped twice', async () => {
    await using test = await openDog();
    await upsert(test.store, { id: 3, name: 'new' });

    await test.store.catalog.dropAttribute('dev', 'dog', 'name');
    await upsert(test.store, { id: 4, name: 'newer' });

    expect(documentsOf(test.store)).toEqual([
      { id: 1, age: 3 },
      { id: 2 },
      { id: 3 },
      { id: 4, name: 'newer' },
    ]);
  });
});

test('each write of a user or a role makes another version of the catalog, and other rows do not', async () => {
  await using test = await TestStore.open();
  const { store } = test;
  const dog = await makeTable(store, 'dog');
  const others = async (): Promise<void> => {
    await upsert(store, { id: 1 });
    await store.delete({ table: dog, keys: [1] });
    await store.replaceSystemDocument('hdb_job', 'job', { id: 'job' });
  };
  await others();
  const versions = [store.catalog.version];

  for (const [name, key] of [
    ['hdb_user', 'username'],
    ['hdb_role', 'id'],
  ] as const) {
    const table = store.catalog.table('system', name);
    if (!table) throw new Error(`No table ${name}`);
    await store.write({ table, operation: 'insert', documents: [{ [key]: 'x', note: 'one' }] });
    versions.push(store.catalog.version);
    await store.write({ table, operation: 'update', documents: [{ [key]: 'x', note: 'two' }] });
    versions.push(store.catalog.version);
    await store.delete({ table, keys: ['x'] });
    versions.push(store.catalog.version);
  }
  await others();

  expect(new Set(versions).size).toBe(7);
  expect(store.catalog.version).toBe(versions.at(-1));
});
