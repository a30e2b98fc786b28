import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileLock, FileLockedError } from '../../src/runtime/file-lock.ts';
import { writeWhole } from '../../src/runtime/whole-file.ts';
import { SmallDisk } from '../cluster/support/small-disk.ts';

describe.skipIf(SmallDisk.hindrance !== undefined)('on a disk that is full to the last byte', () => {
  test('a lock that was held before has room for its number', async () => {
    using disk = SmallDisk.make(1);
    const path = join(disk.directory, 'lock');
    await (await FileLock.acquire(path))[Symbol.asyncDispose]();
    disk.fillUpTo(0);

    await using lock = await FileLock.acquire(path);

    expect(lock.unwritten).toBeUndefined();
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
  });

  test('a lock without room for its number is held all the same, and says why it names nobody', async () => {
    using disk = SmallDisk.make(1);
    const path = join(disk.directory, 'lock');
    disk.fillUpTo(0);

    await using lock = await FileLock.acquire(path);

    expect(lock.unwritten).toMatchObject({ code: 'ENOSPC' });
    expect(readFileSync(path, 'utf8')).toBe('');
    await expect(FileLock.acquire(path)).rejects.toThrow(FileLockedError);
  });

  test('a file that holds already what is to be written is left alone, another one is as it was', () => {
    using disk = SmallDisk.make(1);
    const path = join(disk.directory, 'file');
    writeWhole(path, 'as it is');
    disk.fillUpTo(0);

    writeWhole(path, 'as it is');
    expect(() => writeWhole(path, 'other')).toThrow('ENOSPC');

    expect(readFileSync(path, 'utf8')).toBe('as it is');
    expect(readdirSync(disk.directory)).toEqual(['file']);
  });
});
