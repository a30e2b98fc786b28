import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readConfig } from '../config/config.ts';
import { makeDirectory } from '../runtime/make-directory.ts';
import { lackOfRoom } from '../store/disk-room.ts';
import { backupFiles, describeBackup, saveHashed } from './backup-file.ts';
import type { ConfigFlags } from './config-flags.ts';
import { findClient, type TargetOptions } from './find-client.ts';
import { ProgressLine } from './progress-line.ts';

/**
 * Writes the store of a running node, as it is at one moment, to a directory.
 *
 * @throws when the directory holds a backup already or has no room for one, and when no node answers
 */
export async function runBackup(
  path: string,
  options: TargetOptions,
  flags: ConfigFlags['flags'],
): Promise<void> {
  const directory = resolve(path);
  const files = backupFiles(directory);
  if (existsSync(files.data)) throw new Error(`${directory} holds a backup already; name another directory`);
  const client = findClient(options, flags);
  // Every node has this database, and the file holds all of them.
  const body = { operation: 'get_backup', database: 'system' };
  const { minFreeDiskBytes } = readConfig({ flags }).store;
  const { content, bytes: total } = await client.download(body);
  makeDirectory(directory);
  const lack = lackOfRoom(total, directory, minFreeDiskBytes);
  if (lack !== undefined) {
    content.destroy();
    throw new Error(`Nothing was written: ${lack}`);
  }
  using progress = new ProgressLine('backup');
  const partial = `${files.data}.partial`;
  try {
    const saved = await saveHashed(content, partial, (bytes) => progress.show({ bytes }, total));
    if (saved.bytes !== total) throw new Error(`The node sent ${saved.bytes} bytes of ${total}; try again`);
    await rename(partial, files.data);
    await describeBackup(directory, { format: 1, ...saved, takenAt: new Date().toISOString() });
    progress[Symbol.dispose]();
    process.stdout.write(`Backed up ${saved.bytes} bytes to ${directory}\n`);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
