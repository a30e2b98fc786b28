import { existsSync, statfsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diskOf } from '../../scripts/benchmark/file-system.mjs';

const memory = '/dev/shm';
const hasMemory = existsSync(memory) && statfsSync(memory).type === 0x01021994;

test.skipIf(!hasMemory)('nothing is measured where a flush costs nothing', () => {
  expect(() => diskOf(memory)).toThrow('/dev/shm is in memory (tmpfs)');
});

test('a file system on a disk has a name, or the number of its kind', () => {
  expect(diskOf(import.meta.dirname)).toMatch(/^\w+$/);
});
