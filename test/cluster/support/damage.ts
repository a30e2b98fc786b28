import { existsSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterNode } from './cluster-node.ts';

/** Deletes everything that JetStream has stored; says how many files that were. */
export function deleteStreams(node: ClusterNode): number {
  const directory = join(node.rootPath, 'nats', 'store');
  const files = filesBelow(directory);
  rmSync(directory, { recursive: true });
  if (existsSync(directory)) throw new Error(`${directory} is still there`);
  return files.length;
}

/** Cuts the tail off the newest block of the node's biggest stream; says how many bytes that were. */
export function cutNewestBlock(node: ClusterNode, share: number): number {
  const blocks = filesBelow(join(node.rootPath, 'nats', 'store'))
    .filter((file) => file.endsWith('.blk') && file.includes('/msgs/'))
    .map((file) => ({ file, ...sizeAndTime(file) }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((one, other) => other.changedMs - one.changedMs || other.bytes - one.bytes);
  const [newest] = blocks;
  if (!newest) throw new Error(`${node.name} has no block to cut`);
  const left = Math.floor(newest.bytes * (1 - share));
  truncateSync(newest.file, left);
  if (statSync(newest.file).size !== left) throw new Error(`${newest.file} was not cut`);
  return newest.bytes - left;
}

function sizeAndTime(file: string): { readonly bytes: number; readonly changedMs: number } {
  const { size, mtimeMs } = statSync(file);
  return { bytes: size, changedMs: mtimeMs };
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
