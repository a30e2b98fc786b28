import { expect, test } from 'vitest';
import type { Table } from '../../src/model/table.ts';
import { Commit } from '../../src/store/commit.ts';
import { Cursors, type Cursor } from '../../src/store/cursors.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { Marks } from '../../src/store/marks.ts';
import { Tombstones } from '../../src/store/tombstones.ts';
import { goldenFile } from '../golden/golden-file.ts';
import { TemporaryDirectory } from './test-store.ts';

const table: Table = {
  id: 1,
  database: 'dev',
  name: 'dog',
  primaryKey: 'id',
  incarnation: 'incarnation1',
  attributes: [],
  schemaDefined: false,
  local: false,
  createdAtMs: 0,
};
const queued = { seq: 1, key: 'rex', version: 1_700_000_000_000_001, since: 1_700_000_000_000_002 };
const held = { after: 1_699_999_999_999_999, upTo: 1_700_000_000_000_001 };
const place = { incarnation: 'i', seq: 9 };
const cursor: Cursor = {
  incarnation: 'incarnation1',
  seq: 41,
  id: 'AAAAAAAAAAAAAAAA',
  copy: undefined,
  unproven: { id: 'copy', overtaken: [{ storeId: 'storeC', place }] },
};
const copying: Cursor = {
  incarnation: 'incarnation1',
  seq: 41,
  id: 'AAAAAAAAAAAAAAAA',
  copy: {
    id: 'copy',
    afterKey: 'rex',
    rows: 10,
    total: 20,
    startedAtMs: 1_700_000_000_000,
    marks: [{ storeId: 'storeC', place, held }],
    unproven: { id: 'copy' },
  },
};

/** What a store remembers of deletes that it forgets, and of copies that are not compared yet. */
function write(environment: LmdbEnvironment): void {
  const commit = new Commit(environment, 1_700_000_000_000);
  commit.raiseClock(queued.since);
  const tombstones = new Tombstones(environment);
  tombstones.add(commit, table, queued.key, queued.version);
  tombstones.raiseDeletedBefore(table.id, 1_600_000_000_000_001);
  new Marks(environment).raise(table.id, 'storeC', place, held);
  new Cursors(environment).put('storeB', table.id, cursor);
  new Cursors(environment).put('storeC', table.id, copying);
}

test('tombstones, versions that were held and doubts about a copy are written as ever, and read', async () => {
  await using directory = await TemporaryDirectory.make();
  await using environment = new LmdbEnvironment({ path: directory.path, mapSizeBytes: 2 ** 26 });
  await environment.commit(() => write(environment));
  const written = Object.fromEntries(
    Object.entries(environment.trees).flatMap(([name, tree]) =>
      [...tree.getRange({})].map(({ key, value }) => [`${name} ${JSON.stringify(key)}`, value]),
    ),
  );
  const golden = goldenFile('disk-format-1-tombstones', () => written);

  expect(Object.entries(written).map(([name, value]) => [name, value.toString('hex')])).toEqual(
    [...golden].map(([name, value]) => [name, value.toString('hex')]),
  );
  const tombstones = new Tombstones(environment);
  expect([...tombstones.oldest(table.id, 10)]).toEqual([queued]);
  expect(tombstones.deletedBefore(table.id)).toBe(1_600_000_000_000_001);
  expect(new Marks(environment).all(table.id)).toEqual([{ storeId: 'storeC', place, held }]);
  expect(new Cursors(environment).get('storeB', table.id)).toEqual(cursor);
  expect(new Cursors(environment).get('storeC', table.id)).toEqual(copying);
});
