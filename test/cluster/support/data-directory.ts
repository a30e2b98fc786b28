import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterNode } from './cluster-node.ts';
import { isStopped } from './node-processes.ts';

/**
 * Copies the data directory of a running node as it is at one moment: its processes stand still meanwhile,
 * in the middle of whatever they do, as they would in the snapshot of a disk.
 *
 * @param then what becomes of the processes
 * @returns a node of the same name over the copy, which has not been started
 */
export async function snapshotOf(node: ClusterNode, then: 'go on' | 'power off'): Promise<ClusterNode> {
  const { api, bridge, nats } = await node.whole();
  // nats-server first: what it holds may then be older than the store, never newer.
  const frozen = [];
  for (const which of ['nats', 'bridge', 'api'] as const) frozen.push(await node.freeze(which));
  const copy = ClusterNode.create(node.name);
  try {
    copyDirectory(node.rootPath, copy.rootPath);
    if (![api, bridge, nats].every(isStopped)) throw new Error(`${node.name} did not stand still`);
    if (then === 'go on') for (const { thaw } of frozen) thaw();
    else await node.powerOff();
    return copy;
  } catch (error) {
    await copy[Symbol.asyncDispose]();
    throw error;
  }
}

/** Puts a directory of a copy back in the place of what a node has now. */
export function putBack(copy: ClusterNode, node: ClusterNode, directory: string): void {
  rmSync(join(node.rootPath, directory), { recursive: true });
  copyDirectory(join(copy.rootPath, directory), join(node.rootPath, directory));
}

function copyDirectory(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', '--sparse=always', '-T', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${from} could not be copied: ${stderr}`);
}
