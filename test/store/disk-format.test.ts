import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Origin } from '../../src/model/change.ts';
import { encodeChanges, encodeDocument } from '../../src/model/transaction-codec.ts';
import { ChangeLog } from '../../src/store/change-log.ts';
import { Commit, readStoreState, readTableState } from '../../src/store/commit.ts';
import { Confirmed, type Confirmation } from '../../src/store/confirmed.ts';
import { Cursors, type Cursor } from '../../src/store/cursors.ts';
import { EnduranceGauge } from '../../src/store/endurance.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { Marks } from '../../src/store/marks.ts';
import { Origins } from '../../src/store/origins.ts';
import { changeOf, decodeRow, encodeRow, type Row } from '../../src/store/row.ts';
import { goldenFile } from '../golden/golden-file.ts';
import { TemporaryDirectory } from './test-store.ts';

class TestEnvironment extends LmdbEnvironment {
  readonly #directory: TemporaryDirectory;

  constructor(directory: TemporaryDirectory) {
    super({ path: directory.path, mapSizeBytes: 2 ** 26 });
    this.#directory = directory;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

async function openEnvironment(): Promise<TestEnvironment> {
  return new TestEnvironment(await TemporaryDirectory.make());
}

const a: Origin = { name: 'edge-1', storeId: 'storeA' };
const b: Origin = { name: 'cloud', storeId: 'storeB' };

describe('a row', () => {
  const version = fc.oneof(
    fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 1_800_000_000_000_001, Number.MAX_SAFE_INTEGER),
    fc.maxSafeNat(),
  );
  const origin = fc.constantFrom(a, b, { name: 'edge-1', storeId: 'storeC' });
  const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array));
  const row: fc.Arbitrary<Row> = fc
    .record({
      version,
      origin,
      base: fc.option(fc.record({ version, origin })),
      bytes: fc.option(bytes),
      retained: fc.option(bytes),
      hidden: fc.boolean(),
    })
    .map(({ hidden, ...drawn }) => ({
      ...drawn,
      retained: drawn.bytes ? null : drawn.retained,
      ...(drawn.bytes && hidden ? { hidden } : {}),
    }));

  test('comes back as it was written, with its stamp, its base, its bytes and what it retains', async () => {
    await using environment = await openEnvironment();
    const origins = new Origins(environment);
    await fc.assert(
      fc.asyncProperty(row, async (value) => {
        const encoded = await environment.commit(() => encodeRow(value, origins));

        expect(decodeRow(encoded, new Origins(environment))).toEqual(value);
      }),
      { numRuns: 100 },
    );
  });

  test('of another format is refused', async () => {
    await using environment = await openEnvironment();

    expect(() => decodeRow(Buffer.alloc(26, 9), new Origins(environment))).toThrow(
      expect.objectContaining({ code: 'undecodable' }),
    );
  });
});

describe('what is on disk', () => {
  const row: Row = {
    version: 1_700_000_000_000_002,
    origin: b,
    base: { version: 1_700_000_000_000_001, origin: a },
    bytes: Buffer.from(encodeDocument({ id: 'rex', age: 7 })),
    retained: null,
  };
  const tombstone: Row = {
    version: 1_700_000_000_000_003,
    origin: a,
    base: null,
    bytes: null,
    retained: null,
  };
  const retaining: Row = { ...tombstone, retained: row.bytes };
  const cursor: Cursor = { incarnation: 'incarnation1', seq: 41, id: 'AAAAAAAAAAAAAAAA', copy: undefined };
  const copying: Cursor = {
    ...cursor,
    copy: {
      id: 'copy',
      afterKey: undefined,
      rows: 10,
      total: 20,
      startedAtMs: 1_700_000_000_000,
      marks: [{ storeId: 'storeC', place: { incarnation: 'i', seq: 3 } }],
    },
  };
  const header = {
    id: 'AAAAAAAAAAAAAAAA',
    kind: 'write' as const,
    origin: a,
    version: 1_700_000_000_000_001,
    via: undefined,
    operation: 'upsert' as const,
    user: 'HDB_ADMIN',
  };
  const change = { key: 'rex', version: header.version, origin: a, base: null, bytes: row.bytes };
  const changes = Buffer.from(encodeChanges([change]));
  const relayed = {
    ...header,
    id: 'BBBBBBBBBBBBBBBB',
    kind: 'rows' as const,
    via: 'storeB',
    operation: undefined,
  };

  const confirmation: Confirmation = {
    peer: 'edge-2',
    tableId: 1,
    seq: 1,
    id: 'AAAAAAAAAAAAAAAA',
    atMs: 1_600_000_000_000,
    warnedAtMs: 1_700_000_000_000,
  };

  function confirmedOf(environment: LmdbEnvironment): Confirmed {
    return new Confirmed({
      environment,
      publishedTo: () => new Set(),
      run: () => Promise.reject(new Error('nothing is noted here')),
      now: () => 1_700_000_000_000,
    });
  }

  async function readGolden(environment: LmdbEnvironment, name: string): Promise<void> {
    const golden = goldenFile(name, () => ({}));
    await environment.commit(() => {
      for (const [entry, value] of golden) {
        const at = entry.indexOf(' ');
        const tree = Object.entries(environment.trees).find(([known]) => known === entry.slice(0, at))?.[1];
        tree?.putSync(JSON.parse(entry.slice(at + 1)) as string, value);
      }
    });
  }

  /** Everything that a store writes, but for the records' own catalog, in fixed circumstances. */
  async function write(environment: LmdbEnvironment): Promise<void> {
    const origins = new Origins(environment);
    await environment.commit(() => {
      const commit = new Commit(environment, 1_700_000_000_000);
      environment.trees.records.putSync([1, 'rex'], encodeRow(row, origins));
      environment.trees.records.putSync([1, 7], encodeRow(tombstone, origins));
      const log = new ChangeLog(environment);
      log.append(commit, header, [{ tableId: 1, incarnation: 'incarnation1', changes }]);
      log.append(commit, relayed, [
        { tableId: 1, incarnation: 'incarnation1', originPlace: { incarnation: 'i', seq: 9 }, changes },
      ]);
      new Cursors(environment).put('storeB', 1, cursor);
      new Cursors(environment).put('storeC', 1, copying);
      new Marks(environment).raise(1, 'storeB', { incarnation: 'i', seq: 9 });
      confirmedOf(environment).warn(commit, confirmation, true);
      commit.raiseClock(1_700_000_000_000_003);
      commit.finish();
    });
  }

  function bytesOf(environment: LmdbEnvironment): Record<string, Buffer> {
    return Object.fromEntries(
      Object.entries(environment.trees).flatMap(([name, tree]) =>
        [...tree.getRange({})].map(({ key, value }) => [`${name} ${JSON.stringify(key)}`, value]),
      ),
    );
  }

  test('is format 2', async () => {
    await using environment = await openEnvironment();

    await write(environment);

    const written = bytesOf(environment);
    const golden = goldenFile('disk-format-2', () => written);
    expect(
      Object.fromEntries(Object.entries(written).map(([name, value]) => [name, value.toString('hex')])),
    ).toEqual(Object.fromEntries([...golden].map(([name, value]) => [name, value.toString('hex')])));
  });

  test('of a tombstone that retains a record is what is written, and is read', async () => {
    await using environment = await openEnvironment();
    const origins = new Origins(environment);

    const written = await environment.commit(() => encodeRow(retaining, origins));

    const golden = goldenFile('disk-format-1-retained', () => ({ row: written })).get('row');
    expect(written.toString('hex')).toBe(golden?.toString('hex'));
    expect(decodeRow(golden ?? Buffer.alloc(0), origins)).toEqual(retaining);
    expect(changeOf('rex', retaining)).toEqual({
      key: 'rex',
      version: retaining.version,
      origin: a,
      base: null,
      bytes: null,
    });
  });

  test('of a row that is hidden here is what is written, and is read', async () => {
    await using environment = await openEnvironment();
    const origins = new Origins(environment);
    const hidden: Row = { ...row, hidden: true };

    const written = await environment.commit(() => encodeRow(hidden, origins));

    const golden = goldenFile('disk-format-1-hidden', () => ({ row: written })).get('row');
    expect(written.toString('hex')).toBe(golden?.toString('hex'));
    expect(decodeRow(golden ?? Buffer.alloc(0), origins)).toEqual(hidden);
    expect(changeOf('rex', hidden)).toEqual(changeOf('rex', row));
  });

  test('of what a peer confirms while it copies is what is written, and is read', async () => {
    await using environment = await openEnvironment();
    const told: Confirmation = { ...confirmation, storeId: 'storeD', isCopying: true };
    const { confirmed } = environment.trees;
    const rowKey = [told.tableId, told.peer];
    await environment.commit(() =>
      confirmedOf(environment).warn(new Commit(environment, 1_700_000_000_000), told, true),
    );

    const written = confirmed.get(rowKey) ?? Buffer.alloc(0);
    const golden = goldenFile('disk-format-2-confirmed', () => ({ row: written })).get('row');

    expect(written.toString('hex')).toBe(golden?.toString('hex'));
    await environment.commit(() => confirmed.putSync(rowKey, golden ?? Buffer.alloc(0)));
    expect(confirmedOf(environment).all()).toEqual([told]);
  });

  test.each(['disk-format-1', 'disk-format-2'])('is read: %s', async (name) => {
    await using environment = await openEnvironment();
    await readGolden(environment, name);

    const origins = new Origins(environment);
    const log = new ChangeLog(environment);
    const cursors = new Cursors(environment);
    const { records } = environment.trees;
    expect(decodeRow(records.get([1, 'rex']) ?? Buffer.alloc(0), origins)).toEqual(row);
    expect(decodeRow(records.get([1, 7]) ?? Buffer.alloc(0), origins)).toEqual(tombstone);
    expect(log.at(1)).toEqual({
      position: 1,
      header,
      committedAtMs: 1_700_000_000_000,
      parts: [{ tableId: 1, seq: 1, originPlace: { incarnation: 'incarnation1', seq: 1 }, changes }],
    });
    expect(log.at(2)).toMatchObject({
      header: relayed,
      parts: [{ seq: 2, originPlace: { incarnation: 'i', seq: 9 } }],
    });
    expect(log.idAt(1, 2)).toBe('BBBBBBBBBBBBBBBB');
    expect(cursors.get('storeB', 1)).toEqual(cursor);
    expect(cursors.get('storeC', 1)).toEqual(copying);
    expect(new Marks(environment).all(1)).toEqual([
      { storeId: 'storeB', place: { incarnation: 'i', seq: 9 } },
    ]);
    expect(readStoreState(environment)).toMatchObject({ clock: 1_700_000_000_000_003, position: 2 });
    expect(readTableState(environment, 1)).toMatchObject({ headSeq: 2, headId: 'BBBBBBBBBBBBBBBB' });
  });

  test('of format 2 tells the bytes before each entry, and what a peer has confirmed', async () => {
    await using environment = await openEnvironment();
    await readGolden(environment, 'disk-format-2');

    const log = new ChangeLog(environment);
    const { logBytes } = readStoreState(environment);
    const entryBytes = environment.trees.log.get(1)?.length ?? 0;
    expect(log.place(1, 1)).toEqual({ position: 1, id: header.id, before: { channel: 0, log: 0 } });
    expect(log.place(1, 2)?.before).toEqual({ channel: changes.length, log: entryBytes });
    expect(log.head(1).channelBytes).toBe(2 * changes.length);
    expect(log.totals()).toEqual({
      position: 2,
      logBytes,
      appendedBytes: logBytes,
    });
    expect(confirmedOf(environment).all()).toEqual([confirmation]);
  });

  test('of format 1 goes on without the bytes of its entries, and counts new ones', async () => {
    await using environment = await openEnvironment();
    await readGolden(environment, 'disk-format-1');
    const log = new ChangeLog(environment);
    const { logBytes } = log.totals();

    await environment.commit(() => {
      const commit = new Commit(environment, 1_700_000_000_000);
      log.append(commit, { ...header, id: 'CCCCCCCCCCCCCCCC' }, [
        { tableId: 1, incarnation: 'incarnation1', changes },
      ]);
      commit.finish();
    });

    expect(log.place(1, 2)).toEqual({ position: 2, id: 'BBBBBBBBBBBBBBBB', before: undefined });
    expect(log.place(1, 3)?.before).toEqual({ channel: 0, log: logBytes });
    const gauge = new EnduranceGauge({ log, maxAgeMs: 1e9, maxBytes: 1e6, now: () => 1_700_000_000_000 });
    expect(gauge.of(1, 1).waiting).toEqual({ transactions: 2, bytes: undefined });
    expect(gauge.of(1, 2).waiting).toEqual({ transactions: 1, bytes: changes.length });
  });
});
