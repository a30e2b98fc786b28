import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Origin } from '../model/change.ts';
import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import type { Environment } from './environment.ts';

const identityKey = 'identity';

interface StoredIdentity {
  readonly storeId: string;
  readonly machineId: string;
  readonly inode: number;
}

/**
 * The store id: random, drawn when the store is created, and again when it is found to be a copy
 * (machine id or inode of the data file differ from those of the last start). A copy that kept its id
 * would number new transactions like those that its twin had published.
 *
 * Inside a commit, by the api process only; the bridge reads.
 */
export function claimIdentity(environment: Environment): 'created' | 'kept' | 'redrawn' {
  const here = { machineId: machineId(), inode: environment.inode };
  const stored = storedIdentity(environment);
  if (stored?.machineId === here.machineId && stored.inode === here.inode) return 'kept';
  const identity: StoredIdentity = { storeId: randomBytes(9).toString('base64url'), ...here };
  environment.trees.meta.putSync(identityKey, Buffer.from(encodeMessage(identity)));
  return stored ? 'redrawn' : 'created';
}

export function readIdentity(environment: Environment, nodeName: string): Origin | undefined {
  const stored = storedIdentity(environment);
  return stored && { name: nodeName, storeId: stored.storeId };
}

function storedIdentity(environment: Environment): StoredIdentity | undefined {
  const value = environment.trees.meta.get(identityKey);
  return value && (decodeMessage(value) as StoredIdentity);
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    // Not every system has one (macOS, minimal containers): then the inode decides alone.
    return '';
  }
}
