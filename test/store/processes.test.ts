import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { Store } from '../../src/store/store.ts';
import { documentsOf, makeTable, numbersOf, storeOptions, tableOf, TestStore, upsert } from './test-store.ts';

describe('the two processes of a node', () => {
  test('see each other commit, create and drop', async () => {
    await using test = await TestStore.open();
    await using bridge = await Store.open(storeOptions({ path: test.path, role: 'bridge' }));

    // A handle goes on reading its snapshot until the event loop has had a turn.
    const soon = async (assertion: () => void): Promise<void> => vi.waitFor(assertion, { timeout: 1_000 });

    await makeTable(test.store, 'dog', ['name']);
    await soon(() => expect(tableOf(bridge)).toEqual(tableOf(test.store)));
    await upsert(test.store, { id: 1, name: 'rex' });
    await soon(() => expect(documentsOf(bridge)).toEqual([{ id: 1, name: 'rex' }]));
    await upsert(bridge, { id: 2, name: 'max', age: 3 });
    const both = [
      { id: 1, name: 'rex' },
      { id: 2, name: 'max', age: 3 },
    ];
    await soon(() => expect(documentsOf(test.store)).toEqual(both));
    expect(tableOf(test.store).attributes.map(({ name }) => name)).toContain('age');
    expect(numbersOf(test.store)).toEqual(numbersOf(bridge));
    expect(bridge.identity).toEqual(test.store.identity);
    await bridge.catalog.dropTable('dev', 'dog');
    await soon(() => expect(test.store.catalog.table('dev', 'dog')).toBeUndefined());
  });

  test('draw one row of versions and numbers between them', async () => {
    await using test = await TestStore.open({ now: () => 1_800_000_000_000 });
    await using bridge = await Store.open(
      storeOptions({ path: test.path, role: 'bridge', now: () => 1_700_000_000_000 }),
    );
    await makeTable(test.store);
    await vi.waitFor(() => tableOf(bridge));

    const versions = await Promise.all(
      Array.from({ length: 60 }, async (_, id) => upsert(id % 2 === 0 ? test.store : bridge, { id })),
    );

    expect(new Set(versions).size).toBe(60);
    await vi.waitFor(() => expect(numbersOf(test.store)).toHaveLength(60));
    expect(numbersOf(test.store).map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    const head = test.store.log.at(60 + Number(test.store.log.at(1)?.position) - 1);
    expect(head?.header.version).toBe(Math.max(...versions));
  });

  test('as two real processes write one store without losing or repeating anything', async () => {
    await using test = await TestStore.open();
    const table = await makeTable(test.store);
    const program = fileURLToPath(new URL('write-from-elsewhere.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', program, test.path, '100'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const ended = once(child, 'exit');
    const own: number[] = [];
    try {
      // Goes on until both have written at the same time.
      while (child.exitCode === null && child.signalCode === null) {
        own.push(await upsert(test.store, { id: `own ${own.length}`, mine: true }));
        await new Promise(setImmediate);
      }
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }

    const theirs = documentsOf(test.store).filter(({ theirs: isTheirs }) => isTheirs === true);
    expect(theirs).toHaveLength(100);
    expect(documentsOf(test.store)).toHaveLength(own.length + 100);
    const numbers = numbersOf(test.store);
    expect(numbers.map(({ seq }) => seq)).toEqual(Array.from({ length: own.length + 100 }, (_, i) => i + 1));
    const entries = [...test.store.log.readChannel(table.id, 0)].map(({ entry }) => entry);
    const versions = entries.map(({ header }) => header.version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    const writers = entries.map(({ header }) => header.user);
    const first = writers.indexOf('elsewhere');
    expect(writers.slice(first, writers.lastIndexOf('elsewhere'))).toContain(undefined);
    expect(
      tableOf(test.store)
        .attributes.map(({ name }) => name)
        .toSorted(),
    ).toEqual(['__createdtime__', '__updatedtime__', 'id', 'mine', 'theirs'].toSorted());
  });

  test('a bridge does not open a store that nobody has made', async () => {
    await using test = await TestStore.open();

    await expect(
      Store.open(storeOptions({ path: join(test.directory.path, 'other'), role: 'bridge' })),
    ).rejects.toMatchObject({ code: 'start_failed' });
  });
});

describe('the store id', () => {
  test('is drawn once and stays', async () => {
    await using test = await TestStore.open();
    const { storeId } = test.store.identity;

    await test.reopen();

    expect(storeId.length).toBeGreaterThanOrEqual(12);
    expect(test.store.identity).toEqual({ name: 'n1', storeId });
  });

  test('is redrawn in a copy of the directory, which keeps its rows; the original keeps its id', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);
    await upsert(test.store, { id: 1 });
    const { storeId } = test.store.identity;
    const clone = join(test.directory.path, 'clone');

    await test.reopen({}, async () => cp(test.path, clone, { recursive: true }));
    await using copied = await Store.open(storeOptions({ path: clone }));

    expect((await stat(join(clone, 'lyre.mdb'))).ino).not.toBe((await stat(join(test.path, 'lyre.mdb'))).ino);
    expect(test.store.identity.storeId).toBe(storeId);
    expect(copied.identity.storeId).not.toBe(storeId);
    expect(documentsOf(copied)).toEqual([{ id: 1 }]);
    expect(numbersOf(copied)).toEqual(numbersOf(test.store));
  });

  test('stays when the directory is only moved', async () => {
    await using test = await TestStore.open();
    const { storeId } = test.store.identity;
    const moved = join(test.directory.path, 'moved');

    await test.reopen({ path: moved }, async () => {
      await rename(test.path, moved);
      // A data directory is moved whole; the marker lies in it, beside the directory of the store.
      await rename(`${test.path}.start`, `${moved}.start`);
    });

    expect(test.store.identity.storeId).toBe(storeId);
  });

  test('is redrawn when an older backup is put in the place of the store', async () => {
    await using test = await TestStore.open();
    await makeTable(test.store);
    await upsert(test.store, { id: 1 });
    const { storeId } = test.store.identity;
    const backup = join(test.directory.path, 'backup');
    await test.reopen({}, async () => cp(test.path, backup, { recursive: true }));
    await upsert(test.store, { id: 2 });

    // Written into the file that is there; a file system may also give a new file the inode of a removed one.
    await test.reopen({}, async () => cp(backup, test.path, { recursive: true }));

    expect(documentsOf(test.store)).toEqual([{ id: 1 }]);
    expect(test.store.identity.storeId).not.toBe(storeId);
  });
});
