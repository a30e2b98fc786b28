import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Document } from '../../src/model/change.ts';
import { encodeDocument } from '../../src/model/transaction-codec.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { QuarantineTally } from '../../src/store/quarantine-tally.ts';
import type { Row } from '../../src/store/row.ts';
import { Store } from '../../src/store/store.ts';
import { goldenFile } from '../golden/golden-file.ts';
import { makeTable, storeOptions, TemporaryDirectory, TestStore } from './test-store.ts';

const nowMs = 1_800_000_000_000;

interface Put {
  readonly id: string;
  readonly storeId: string;
  readonly table: string;
  readonly dueAtMs: number | undefined;
  readonly itemBytes: number;
  /** What rows of other builds may say besides. */
  readonly extra: boolean;
}

function documentOf({ id, storeId, table, dueAtMs, itemBytes, extra }: Put): Document {
  return {
    id,
    reason: 'undecodable',
    detail: 'the bytes of é are not known',
    schema: 'dev',
    table,
    node: 'a',
    store_id: storeId,
    channel_seq: 1,
    quarantined_at: nowMs,
    item: Buffer.alloc(itemBytes, 7).toString('base64'),
    ...(dueAtMs === undefined ? {} : { due_at: dueAtMs }),
    ...(extra ? { extra: [1, 2] } : {}),
  };
}

async function replace(store: Store, id: string, put: Put | null): Promise<void> {
  await store.replaceSystemDocument('hdb_quarantine', id, put && documentOf(put));
}

const one: Put = {
  id: 'one-1',
  storeId: 'storeA',
  table: 'dog',
  dueAtMs: nowMs,
  itemBytes: 100,
  extra: false,
};

const stores = ['storeA', 'storeB', 'é'];
const tables = ['dog', 'cat', 'gone'];
const ids = ['x-1', 'x-2', 'y-1', 'y-2', 'z-1'];

test('whatever comes and goes, what is counted is what is there', async () => {
  await using test = await TestStore.open();
  const { store } = test;
  await makeTable(store, 'dog');
  await makeTable(store, 'cat');
  const id = fc.constantFrom(...ids);
  const put: fc.Arbitrary<Put | string> = fc.record({
    id,
    storeId: fc.constantFrom(...stores),
    table: fc.constantFrom(...tables),
    dueAtMs: fc.option(fc.constantFrom(nowMs - 1.5, nowMs, nowMs + 1), { nil: undefined }),
    itemBytes: fc.constantFrom(0, 10, 70_000),
    extra: fc.boolean(),
  });

  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(put, id), { maxLength: 12 }), async (steps) => {
      const there = new Map<string, Put>();
      for (const step of [...ids, ...steps]) {
        if (typeof step === 'string') there.delete(step);
        else there.set(step.id, step);
        await (typeof step === 'string' ? replace(store, step, null) : replace(store, step.id, step));
      }
      const puts = [...there.values()];

      expect(store.quarantine.hasRoom('a', 1_000 - puts.length)).toBe(true);
      expect(store.quarantine.hasRoom('a', 1_001 - puts.length)).toBe(false);
      let bytes = 0;
      for (const storeId of stores)
        for (const table of tables) {
          const expected = puts.filter((row) => row.storeId === storeId && row.table === table);
          const held = store.quarantine.held(storeId, 'dev', table);
          expect(held.transactions).toBe(expected.length);
          expect(held.waiting).toBe(expected.filter(({ dueAtMs }) => dueAtMs !== undefined).length);
          bytes += held.bytes;
        }
      const system = store.catalog.table('system', 'hdb_quarantine') ?? expect.fail('no quarantine');
      expect(bytes).toBe(store.statistics(system).sizeBytes);
      expect(store.quarantine.count).toBe(puts.length);
      for (const name of tables)
        expect(store.quarantine.holds({ database: 'dev', name })).toBe(
          puts.some(({ table }) => table === name),
        );
      const due = puts
        .filter(({ table, dueAtMs = Infinity }) => table !== 'gone' && dueAtMs <= nowMs)
        .toSorted((x, y) => (x.dueAtMs ?? 0) - (y.dueAtMs ?? 0) || (x.id < y.id ? -1 : 1));
      expect(store.quarantine.nextDue(nowMs)).toBe(due[0]?.id);
    }),
    { numRuns: 60 },
  );
});

test('what either process puts there counts in the other one', async () => {
  await using test = await TestStore.open();
  await using bridge = await Store.open(storeOptions({ path: test.path, role: 'bridge' }));

  await replace(test.store, 'one-1', one);
  await replace(bridge, 'two-1', { ...one, id: 'two-1' });
  await replace(test.store, 'one-1', null);
  await replace(bridge, 'three-1', { ...one, id: 'three-1', dueAtMs: undefined });

  for (const store of [test.store, bridge])
    await vi.waitFor(
      () =>
        expect(store.quarantine.held('storeA', 'dev', 'dog')).toMatchObject({ transactions: 2, waiting: 1 }),
      10_000,
    );
});

test('what a build has put there that does not count is counted at the next start', async () => {
  await using test = await TestStore.open();
  await makeTable(test.store);
  await replace(test.store, 'one-1', one);
  let counted: { readonly key: unknown; readonly value: Buffer }[] = [];
  await test.reopen({}, async () => {
    await using environment = new LmdbEnvironment({ path: test.path, mapSizeBytes: 2 ** 28 });
    counted = [...environment.trees.quarantine.getRange({})];
  });
  await replace(test.store, 'one-1', null);
  await replace(test.store, 'two-1', { ...one, id: 'two-1', storeId: 'storeB' });

  await test.reopen({}, async () => {
    await using environment = new LmdbEnvironment({ path: test.path, mapSizeBytes: 2 ** 28 });
    const { quarantine } = environment.trees;
    await environment.commit(() => {
      for (const key of [...quarantine.getKeys({})]) quarantine.removeSync(key);
      for (const { key, value } of counted) quarantine.putSync(key as string, value);
    });
  });

  const { quarantine } = test.store;
  expect(quarantine.held('storeA', 'dev', 'dog').transactions).toBe(0);
  expect(quarantine.held('storeB', 'dev', 'dog').transactions).toBe(1);
  expect(quarantine.nextDue(nowMs)).toBe('two-1');
});

test('what format 1 has counted is counted anew, by the names of the peers', async () => {
  await using test = await TestStore.open();
  await replace(test.store, 'one-1', one);
  await test.reopen({}, async () => {
    await using environment = new LmdbEnvironment({ path: test.path, mapSizeBytes: 2 ** 28 });
    const { quarantine } = environment.trees;
    await environment.commit(() => {
      for (const key of [...quarantine.getKeys({})]) quarantine.removeSync(key);
      for (const [name, value] of goldenFile('disk-format-1-quarantine', () => ({})))
        quarantine.putSync(JSON.parse(name.replace('quarantine ', '')) as string, value);
    });
  });

  expect(test.store.quarantine.held('storeA', 'dev', 'dog').transactions).toBe(1);
  expect(test.store.quarantine.hasRoom('a', 1_000)).toBe(false);
  expect(test.store.quarantine.hasRoom('a', 999)).toBe(true);
});

test('what is counted is written as ever, and read', async () => {
  await using directory = await TemporaryDirectory.make();
  await using environment = new LmdbEnvironment({ path: directory.path, mapSizeBytes: 2 ** 26 });
  const tally = new QuarantineTally(environment);
  const bytes = encodeDocument(documentOf(one));
  const origin = { name: 'edge-1', storeId: 'storeA' };
  const row: Row = { version: 1_700_000_000_000_001, origin, base: null, bytes, retained: null };
  await environment.commit(() => tally.follow('one-1', undefined, row, row.version));
  const written = Object.fromEntries(
    [...environment.trees.quarantine.getRange({})].map(({ key, value }) => [
      `quarantine ${JSON.stringify(key)}`,
      value,
    ]),
  );

  const golden = goldenFile('disk-format-2-quarantine', () => written);

  expect(Object.entries(written).map(([name, value]) => [name, value.toString('hex')])).toEqual(
    [...golden].map(([name, value]) => [name, value.toString('hex')]),
  );
  const held = { transactions: 1, waiting: 1, bytes: bytes.length };
  expect(tally.ofPeer('a')).toEqual(held);
  expect(tally.ofChannel('storeA', 'dev', 'dog')).toEqual(held);
  expect([...tally.due(nowMs)]).toEqual([{ id: 'one-1', database: 'dev', tableName: 'dog' }]);
  expect(tally.isUpTo(row.version)).toBe(true);
});
