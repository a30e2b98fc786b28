import { createHash } from 'node:crypto';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

const description = z.object({
  format: z.literal(1),
  bytes: z.int().positive(),
  sha256: z.string(),
  takenAt: z.string(),
});

/** What a backup is known by, beside its data. */
export type BackupDescription = z.infer<typeof description>;

/** The two files of the directory of a backup. */
export function backupFiles(directory: string): { readonly data: string; readonly description: string } {
  return { data: join(directory, 'lyre.mdb'), description: join(directory, 'lyre-backup.json') };
}

/** Writes what comes to a new file of its user alone, to the disk, and tells what it was. One that is there is removed. */
export async function saveHashed(
  source: AsyncIterable<Buffer>,
  path: string,
  onProgress: (bytes: number) => void,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  // What is there may be open to others, or lead elsewhere, and would stay so.
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of source) {
      await file.appendFile(piece);
      hash.update(piece);
      bytes += piece.length;
      onProgress(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Last: a directory with a description holds a whole backup. */
export async function describeBackup(directory: string, told: BackupDescription): Promise<void> {
  await writeFile(backupFiles(directory).description, `${JSON.stringify(told, null, 2)}\n`, { flush: true });
}

/** @throws when the directory holds no whole backup */
export async function readBackup(directory: string): Promise<BackupDescription> {
  const path = backupFiles(directory).description;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`There is no backup in ${directory}: ${path} is missing`, { cause });
  });
  try {
    return description.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is not the description of a backup that this version can read`, { cause });
  }
}
