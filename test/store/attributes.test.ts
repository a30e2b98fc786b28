import { describe, expect, test } from 'vitest';
import type { Document } from '../../src/model/change.ts';
import { encodeChanges, encodeDocument } from '../../src/model/transaction-codec.ts';
import { maxAttributes, visibleAttributes } from '../../src/store/catalog.ts';
import type { Store } from '../../src/store/store.ts';
import { documentsOf, makeTable, tableOf, TestStore, upsert } from './test-store.ts';
import { writeHeader } from './write-header.ts';

const origin = { name: 'n2', storeId: 'peer' };

function withNames(prefix: string, count: number): Document {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 1]));
}

/** One record, applied as replication applies it. */
async function bring(store: Store, seq: number, document: Document): Promise<void> {
  const table = tableOf(store);
  if (seq === 1) await store.putCursor('peer', table, { incarnation: 'i', seq: 0, id: '', copy: undefined });
  const change = { key: seq, version: seq, origin, base: null, bytes: encodeDocument(document) };
  const { stop } = await store.apply({ table, peer: 'n2', storeId: 'peer', incarnation: 'i', newerThan: 0 }, [
    {
      kind: 'whole',
      seq,
      header: writeHeader(`AAAAAAAAAAAAAAA${seq}`, origin, seq),
      originPlace: { incarnation: 'i', seq },
      parts: [],
      changes: encodeChanges([change]),
    },
  ]);
  expect(stop).toBeUndefined();
}

describe('a table with as many attributes as it may have', () => {
  /** The primary key and the two times are attributes too. */
  const full = withNames('a', maxAttributes - 3);
  const refusal = {
    code: 'invalid_request',
    message: expect.stringMatching(/dev\.dog.* 10000 attributes.*drop/),
  };

  test('takes records of these, and refuses a write and an attribute that would be one more', async () => {
    await using test = await TestStore.open();
    const { store } = test;
    await makeTable(store);
    await upsert(store, { id: 1, ...full });

    await expect(upsert(store, { id: 2 }, { id: 3, b: 1 })).rejects.toMatchObject(refusal);
    await expect(
      store.catalog.createAttribute('dev', 'dog', { name: 'b', indexed: false }),
    ).rejects.toMatchObject(refusal);

    await upsert(store, { id: 2, a0: 2 });
    expect(documentsOf(store)).toEqual([
      { id: 1, ...full },
      { id: 2, a0: 2 },
    ]);
    expect(tableOf(store).attributes).toHaveLength(maxAttributes);
  });

  test('has room again when one is dropped', async () => {
    await using test = await TestStore.open();
    const { store } = test;
    await makeTable(store);
    await upsert(store, { id: 1, ...full });

    await store.catalog.dropAttribute('dev', 'dog', 'a0');
    await upsert(store, { id: 1, b: 1 });

    expect(visibleAttributes(tableOf(store))).toHaveLength(maxAttributes);
  });

  test('refuses nothing that a peer brings', async () => {
    await using test = await TestStore.open();
    const { store } = test;
    await makeTable(store);
    await upsert(store, { id: 'here', ...full });

    await bring(store, 1, { id: 1, b: 1 });

    expect(documentsOf(store)).toContainEqual({ id: 1, b: 1 });
    expect(visibleAttributes(tableOf(store))).toHaveLength(maxAttributes + 1);
  });
});

test('a table is not declared with more attributes than it may have', async () => {
  await using test = await TestStore.open();
  const attributes = Object.keys(withNames('a', maxAttributes)).map((name) => ({ name, indexed: false }));
  const spec = { database: 'dev', name: 'dog', primaryKey: 'id', schemaDefined: true };

  await expect(test.store.catalog.createTable({ ...spec, attributes })).rejects.toMatchObject({
    code: 'invalid_request',
  });

  const table = await test.store.catalog.createTable({ ...spec, attributes: attributes.slice(1) });
  expect(table.attributes).toHaveLength(maxAttributes);
});

test('a transaction whose every step has a new attribute widens a wide table once', async () => {
  await using test = await TestStore.open();
  const { store } = test;
  const table = await makeTable(store);
  await store.write({ table, operation: 'insert', documents: [{ id: 0, ...withNames('a', 8_000) }] });

  await store.transact(
    Array.from({ length: 1_000 }, (_, id) => ({
      table,
      operation: 'insert' as const,
      documents: [{ id: id + 1, [`b${id}`]: true }],
    })),
    undefined,
  );

  expect(tableOf(store).attributes).toHaveLength(9_003);
});

test('many new attributes are added to many without a look at all for each', async () => {
  await using test = await TestStore.open();
  const { store } = test;
  await makeTable(store);
  await bring(store, 1, { id: 1, ...withNames('a', 60_000) });

  await bring(store, 2, { id: 2, ...withNames('b', 60_000) });

  expect(tableOf(store).attributes).toHaveLength(120_003);
});
