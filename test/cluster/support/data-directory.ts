import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterNode } from './cluster-node.ts';
import { isStopped } from './node-processes.ts';

/**
 * Copies the data directory of a running node as it is at one moment: its processes stand still meanwhile,
 * in the middle of whatever they do, as they would in the snapshot of a disk.
 *
 * @param then what becomes of the processes
 * @returns where the copy is
 */
export async function snapshotOf(node: ClusterNode, then: 'go on' | 'power off'): Promise<string> {
  const { api, bridge, nats } = await node.whole();
  // nats-server first: what it holds may then be older than the store, never newer.
  const frozen = [];
  for (const which of ['nats', 'bridge', 'api'] as const) frozen.push(await node.freeze(which));
  const copy = mkdtempSync(join(tmpdir(), `lyre-${node.name}-copy-`));
  copyDirectory(node.rootPath, copy);
  if (![api, bridge, nats].every(isStopped)) throw new Error(`${node.name} did not stand still`);
  if (then === 'go on') for (const { thaw } of frozen) thaw();
  else await node.powerOff();
  return copy;
}

/** Puts a directory of a copy back in the place of what a node has now. */
export function putBack(copy: string, node: ClusterNode, directory: string): void {
  rmSync(join(node.rootPath, directory), { recursive: true });
  copyDirectory(join(copy, directory), join(node.rootPath, directory));
}

function copyDirectory(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', '--sparse=always', '-T', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${from} could not be copied: ${stderr}`);
}
