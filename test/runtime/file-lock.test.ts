import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileLock, FileLockedError } from '../../src/runtime/file-lock.ts';

class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'lyre-lock-'));
  readonly lockPath = join(this.path, 'lock');

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Another process that holds the lock until it is killed. */
async function holdElsewhere(path: string): Promise<ChildProcess & Disposable> {
  const program = `
    const { tryLock } = require('fs-native-extensions');
    const fs = require('node:fs');
    const fd = fs.openSync(${JSON.stringify(path)}, 'w+');
    if (!tryLock(fd)) process.exit(1);
    fs.writeSync(fd, process.pid + '\\n');
    console.log('locked');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return Object.assign(child, { [Symbol.dispose]: () => void child.kill('SIGKILL') });
}

it('holds the lock against this process and others, and writes its number', async () => {
  using directory = new Directory();
  await using lock = await FileLock.acquire(directory.lockPath);

  expect(readFileSync(lock.path, 'utf8')).toBe(`${process.pid}\n`);
  await expect(FileLock.acquire(directory.lockPath)).rejects.toThrow(
    `${directory.lockPath} is locked by process ${process.pid}`,
  );
});

it('names the process that holds the lock', async () => {
  using directory = new Directory();
  using holder = await holdElsewhere(directory.lockPath);

  const error: unknown = await FileLock.acquire(directory.lockPath).catch((reason: unknown) => reason);

  expect(error).toBeInstanceOf(FileLockedError);
  expect(error).toMatchObject({ code: 'locked', holderPid: holder.pid });
});

it('is acquired while waiting, when the holder is killed', async () => {
  using directory = new Directory();
  using holder = await holdElsewhere(directory.lockPath);
  const acquired = FileLock.acquire(directory.lockPath, { waitMs: 10_000 });

  holder.kill('SIGKILL');
  await using lock = await acquired;

  expect(readFileSync(lock.path, 'utf8')).toBe(`${process.pid}\n`);
});

it('gives up after waitMs', async () => {
  using directory = new Directory();
  await using _lock = await FileLock.acquire(directory.lockPath);

  await expect(FileLock.acquire(directory.lockPath, { waitMs: 30 })).rejects.toThrow(FileLockedError);
});

it('can be acquired again after its release, and is released once', async () => {
  using directory = new Directory();
  const first = await FileLock.acquire(directory.lockPath);

  await first[Symbol.asyncDispose]();
  await using _second = await FileLock.acquire(directory.lockPath);
  await first[Symbol.asyncDispose]();

  await expect(FileLock.acquire(directory.lockPath)).rejects.toThrow(FileLockedError);
});

it('leaves nothing of a longer number, nor of its own after its release', async () => {
  using directory = new Directory();
  writeFileSync(directory.lockPath, '123456789012\n');

  const lock = await FileLock.acquire(directory.lockPath);

  expect(readFileSync(lock.path, 'utf8')).toBe(`${process.pid}\n`);
  await lock[Symbol.asyncDispose]();
  expect(readFileSync(lock.path, 'utf8').trim()).toBe('');
});
