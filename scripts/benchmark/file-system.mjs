import { statfsSync } from 'node:fs';

/** What Linux calls the kinds that data usually lie on (statfs(2)). */
const names = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0x794c7630, 'overlayfs'],
]);
const inMemory = ['tmpfs', 'ramfs'];

/**
 * The kind of file system that a directory is on.
 *
 * @param {string} directory
 * @throws an Error where nothing is written to a disk: a flush costs nothing there
 */
export function diskOf(directory) {
  const type = statfsSync(directory).type >>> 0;
  const name = names.get(type) ?? `0x${type.toString(16)}`;
  if (inMemory.includes(name))
    throw new Error(
      `${directory} is in memory (${name}), where a flush costs nothing: name one on a disk, --directory /var/tmp perhaps`,
    );
  return name;
}
