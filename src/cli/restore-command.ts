import { createReadStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readConfig } from '../config/config.ts';
import { dataDirectory } from '../config/data-directory.ts';
import { FileLock, FileLockedError } from '../runtime/file-lock.ts';
import { makeDirectory } from '../runtime/make-directory.ts';
import { makePrivateDirectory } from '../runtime/private-files.ts';
import { backupFiles, readBackup, saveHashed } from './backup-file.ts';
import type { ConfigFlags } from './config-flags.ts';
import { ProgressLine } from './progress-line.ts';

/**
 * Puts a backup in the place of the store of the root path, which is kept beside it.
 *
 * The restored store draws a new store id when it starts: it has lost what was written since the backup, and must
 * not number new transactions like those. Its peers then compare their tables with it.
 *
 * @throws when a node runs there, and when the backup is not whole
 */
export async function runRestore(path: string, flags: ConfigFlags['flags']): Promise<void> {
  const { rootPath, store } = readConfig({ flags });
  const directory = resolve(path);
  const described = await readBackup(directory);
  makePrivateDirectory(rootPath);
  const files = dataDirectory(rootPath);
  await using _api = await lock(rootPath, files.pid);
  await using _bridge = await lock(rootPath, files.bridgeLock);
  const incoming = `${store.path}.restoring`;
  await rm(incoming, { recursive: true, force: true });
  makePrivateDirectory(incoming);
  using progress = new ProgressLine('restore');
  const { data } = backupFiles(directory);
  const saved = await saveHashed(createReadStream(data), join(incoming, 'lyre.mdb'), (bytes) =>
    progress.show({ bytes }, described.bytes),
  );
  if (saved.sha256 !== described.sha256) {
    await rm(incoming, { recursive: true });
    throw new Error(`${data} is damaged: it is not what was backed up; nothing was changed`);
  }
  const former = await setAside(store.path);
  await rename(incoming, store.path);
  progress[Symbol.dispose]();
  const kept = former === undefined ? '' : `; the former store is in ${former}`;
  process.stdout.write(`Restored the backup of ${described.takenAt} to ${store.path}${kept}\n`);
}

/** What a process of a node holds while it lives. */
async function lock(rootPath: string, file: string): Promise<FileLock> {
  try {
    return await FileLock.acquire(file);
  } catch (cause) {
    if (!(cause instanceof FileLockedError)) throw cause;
    throw new Error(`A node is running in ${rootPath}; stop it first with: lyre stop`, { cause });
  }
}

/** Without the marker beside it no store passes for the one that was here: see `IdentityClaim`. */
async function setAside(storePath: string): Promise<string | undefined> {
  await rm(`${storePath}.start`, { force: true });
  if (!existsSync(storePath)) {
    makeDirectory(dirname(storePath));
    return undefined;
  }
  const former = `${storePath}.before-restore-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  await rename(storePath, former);
  return former;
}
