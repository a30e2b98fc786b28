import { rmSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { dataDirectory } from '../config/data-directory.ts';
import type { BulkSettings } from '../operation/operation.ts';
import type { Logger } from '../runtime/logger.ts';
import { makeDirectory } from '../runtime/make-directory.ts';
import { makePrivateDirectory } from '../runtime/private-files.ts';

/** What loads, exports and backups use; makes the directories that are not there, and empties the one for scratch. */
export function prepareBulk({ rootPath, bulk }: Config, log: Logger): BulkSettings {
  const { scratch: scratchDirectory } = dataDirectory(rootPath);
  rmSync(scratchDirectory, { recursive: true, force: true });
  for (const path of [scratchDirectory, ...bulk.importDirectories, ...bulk.exportDirectories]) {
    try {
      if (path === scratchDirectory) makePrivateDirectory(path);
      else makeDirectory(path);
    } catch (err) {
      // The node serves without; who uses the directory is told that it is not there.
      log.warn({ err, path }, 'directory cannot be made');
    }
  }
  return { ...bulk, scratchDirectory };
}
