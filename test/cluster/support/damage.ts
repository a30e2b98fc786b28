import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
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
  const newest = newestBlock(node);
  const left = Math.floor(newest.bytes * (1 - share));
  truncateSync(newest.file, left);
  if (statSync(newest.file).size !== left) throw new Error(`${newest.file} was not cut`);
  return newest.bytes - left;
}

/**
 * Turns every bit of a stretch in the middle of the newest block, in place, whoever has the file open.
 *
 * @param at where the stretch begins, as a share of the block
 * @returns how many bytes are others now
 */
export function flipInNewestBlock(node: ClusterNode, at: number, length: number): number {
  const newest = newestBlock(node);
  const position = Math.floor(newest.bytes * at);
  const file = openSync(newest.file, 'r+');
  try {
    const bytes = Buffer.alloc(Math.min(length, newest.bytes - position));
    readSync(file, bytes, 0, bytes.length, position);
    const flipped = bytes.map((byte) => byte ^ 0xff);
    writeSync(file, flipped, 0, flipped.length, position);
    const found = Buffer.alloc(bytes.length);
    readSync(file, found, 0, found.length, position);
    return found.filter((byte, index) => byte !== bytes[index]).length;
  } finally {
    closeSync(file);
  }
}

function newestBlock(node: ClusterNode): { readonly file: string; readonly bytes: number } {
  const [newest] = filesBelow(join(node.rootPath, 'nats', 'store'))
    .filter((file) => file.endsWith('.blk') && file.includes('/msgs/'))
    .map((file) => ({ file, ...sizeAndTime(file) }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((one, other) => other.changedMs - one.changedMs || other.bytes - one.bytes);
  if (!newest) throw new Error(`${node.name} has no block`);
  return newest;
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
