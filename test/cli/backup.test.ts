import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runBackup } from '../../src/cli/backup-command.ts';
import { runRestore } from '../../src/cli/restore-command.ts';
import { FileLock } from '../../src/runtime/file-lock.ts';
import { Store } from '../../src/store/store.ts';
import { openServer, type TestServer } from '../http/open-server.ts';
import { documentsOf, rowsOf, tableOf } from '../store/test-store.ts';

/** A root path where a node runs, another where none does, and a place for backups. */
class Places implements AsyncDisposable {
  readonly path: string;
  readonly running: { readonly ROOTPATH: string };
  readonly stopped: { readonly ROOTPATH: string };
  readonly backup: string;
  readonly node: TestServer;

  private constructor(path: string, node: TestServer) {
    this.path = path;
    this.running = { ROOTPATH: join(path, 'running') };
    this.stopped = { ROOTPATH: join(path, 'stopped') };
    this.backup = join(path, 'backup');
    this.node = node;
  }

  static async open(): Promise<Places> {
    const path = mkdtempSync(join(tmpdir(), 'lyre-backup-'));
    mkdirSync(join(path, 'running'));
    const node = await openServer({ socketPath: join(path, 'running', 'operations-server') });
    await node.post({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' });
    return new Places(path, node);
  }

  insert(...ids: number[]): Promise<unknown> {
    const records = ids.map((id) => ({ id, name: `dog ${id}` }));
    return this.node.post({ operation: 'insert', database: 'dev', table: 'dog', records });
  }

  /** The store of the root path where no node runs. */
  openStopped(): Promise<Store> {
    const path = join(this.stopped.ROOTPATH, 'database');
    return Store.open({ path, nodeName: 'n1', role: 'api', mapSizeBytes: 2 ** 28 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    rmSync(this.path, { recursive: true });
  }
}

it('backs up a running node and restores it as another store with the same rows', async () => {
  await using places = await Places.open();
  await places.insert(1, 2);
  const { storeId } = places.node.store.identity;
  const rows = rowsOf(places.node.store);

  await runBackup(places.backup, {}, places.running);
  await places.insert(3);
  await runRestore(places.backup, places.stopped);

  await using restored = await places.openStopped();
  expect(rowsOf(restored)).toEqual(rows);
  expect(documentsOf(restored)).toEqual([
    { id: 1, name: 'dog 1' },
    { id: 2, name: 'dog 2' },
  ]);
  expect(restored.identity.storeId).not.toBe(storeId);
  expect(restored.log.head(tableOf(restored).id).headSeq).toBe(1);
  expect(readdirSync(places.backup).toSorted()).toEqual(['lyre-backup.json', 'lyre.mdb']);
});

it('does not fill the disk that it writes to', async () => {
  await using places = await Places.open();
  const flags = { ...places.running, STORAGE_MINFREEDISKBYTES: '1000TiB' };

  await expect(runBackup(places.backup, {}, flags)).rejects.toThrow(
    /^Nothing was written: .* are needed on the disk of .*backup, and .* storage.minFreeDiskBytes keeps/,
  );
  expect(readdirSync(places.backup)).toEqual([]);
});

it('takes whole transactions only, however many are being written', async () => {
  await using places = await Places.open();
  let isDone = false;
  let written = 0;
  const writing = (async () => {
    for (let first = 0; !isDone; first += 10) {
      await places.insert(...Array.from({ length: 10 }, (_, index) => first + index));
      written += 10;
    }
  })();
  await expect.poll(() => written).toBeGreaterThan(50);

  await runBackup(places.backup, {}, places.running);
  isDone = true;
  await writing;
  await runRestore(places.backup, places.stopped);

  await using restored = await places.openStopped();
  const ids = documentsOf(restored).map(({ id }) => id);
  expect(ids.length % 10).toBe(0);
  expect(ids.length).toBeGreaterThanOrEqual(50);
  expect(ids).toEqual(ids.map((_, index) => index));
  expect(restored.log.head(tableOf(restored).id).headSeq).toBe(ids.length / 10);
});

it('keeps the store that was there, and gives the restored one an id of its own even in its place', async () => {
  await using places = await Places.open();
  await places.insert(1);
  await runBackup(places.backup, {}, places.running);
  await runRestore(places.backup, places.stopped);
  const first = await places.openStopped();
  const { storeId } = first.identity;
  await first[Symbol.asyncDispose]();

  await runRestore(places.backup, places.stopped);

  await using second = await places.openStopped();
  expect(second.identity.storeId).not.toBe(storeId);
  const kept = readdirSync(places.stopped.ROOTPATH).filter((name) =>
    name.startsWith('database.before-restore-'),
  );
  expect(kept).toHaveLength(1);
  await using former = await Store.open({
    path: join(places.stopped.ROOTPATH, kept[0] ?? ''),
    nodeName: 'n1',
    role: 'api',
    mapSizeBytes: 2 ** 28,
  });
  expect(documentsOf(former)).toEqual([{ id: 1, name: 'dog 1' }]);
});

it.each(['lyre.pid', 'bridge.lock'])('restores nothing while a process of a node holds %s', async (file) => {
  await using places = await Places.open();
  await runBackup(places.backup, {}, places.running);
  mkdirSync(places.stopped.ROOTPATH);
  await using _held = await FileLock.acquire(join(places.stopped.ROOTPATH, file));

  await expect(runRestore(places.backup, places.stopped)).rejects.toThrow(
    `A node is running in ${places.stopped.ROOTPATH}; stop it first with: lyre stop`,
  );
  expect(readdirSync(places.stopped.ROOTPATH)).not.toContain('database');
});

it('restores nothing from a backup that is not whole', async () => {
  await using places = await Places.open();
  await runBackup(places.backup, {}, places.running);
  const data = join(places.backup, 'lyre.mdb');
  const bytes = readFileSync(data);
  const other = join(places.path, 'other');
  mkdirSync(other);
  copyFileSync(data, join(other, 'lyre.mdb'));

  await expect(runRestore(other, places.stopped)).rejects.toThrow(/^There is no backup in .*other/);
  writeFileSync(data, bytes.subarray(0, bytes.length - 4_096));
  await expect(runRestore(places.backup, places.stopped)).rejects.toThrow(/lyre\.mdb is damaged/);
  bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
  writeFileSync(data, bytes);
  await expect(runRestore(places.backup, places.stopped)).rejects.toThrow(/lyre\.mdb is damaged/);
  expect(readdirSync(places.stopped.ROOTPATH).filter((name) => name.startsWith('database'))).toEqual([]);
});

it('overwrites no backup, and says when no node runs', async () => {
  await using places = await Places.open();
  await runBackup(places.backup, {}, places.running);
  const before = readFileSync(join(places.backup, 'lyre.mdb'));

  await expect(runBackup(places.backup, {}, places.running)).rejects.toThrow(/holds a backup already/);
  await expect(runBackup(join(places.path, 'new'), {}, places.stopped)).rejects.toThrow(
    /^No node is running/,
  );
  expect(readFileSync(join(places.backup, 'lyre.mdb')).equals(before)).toBe(true);
  expect(readdirSync(places.path)).not.toContain('new');
});

it.each(['a file that others may read', 'a link'])(
  'is readable by its user only, also where %s stands in its way',
  async (what) => {
    await using places = await Places.open();
    mkdirSync(places.backup);
    const partial = join(places.backup, 'lyre.mdb.partial');
    const elsewhere = join(places.path, 'elsewhere');
    writeFileSync(elsewhere, 'of somebody else');
    if (what === 'a link') symlinkSync(elsewhere, partial);
    else writeFileSync(partial, '', { mode: 0o644 });

    await runBackup(places.backup, {}, places.running);

    expect(statSync(join(places.backup, 'lyre.mdb')).mode & 0o777).toBe(0o600);
    expect(readFileSync(elsewhere, 'utf8')).toBe('of somebody else');
  },
);
