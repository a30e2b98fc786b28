import { readFileSync } from 'node:fs';
import type { Origin } from '../model/change.ts';
import { randomId } from '../model/random-id.ts';
import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import type { Environment } from './environment.ts';

const identityKey = 'identity';

interface StoredIdentity {
  readonly storeId: string;
  readonly machineId: string;
  readonly inode: number;
  /** What the marker beside the store says: of the last start, and of one that was broken off. */
  readonly starts: readonly string[];
  /** The name under which the peers that are here were added; stores of older releases do not say. */
  readonly knownAs?: string;
}

/**
 * The store id: random, drawn when the store is created, and again when it is found to be a copy or an older
 * backup. A copy that kept its id would number new transactions like those that its twin had published.
 *
 * A copy shows by the machine id, the inode of the data file, or the marker beside it, which changes with
 * every start. A backup that was put back together with its marker shows when a peer names a transaction of
 * this store that its log does not have: see {@link redrawIdentity}.
 *
 * Each step inside a commit of its own, by the api process only; the bridge reads.
 */
export class IdentityClaim {
  readonly #environment: Environment;
  readonly #start = randomId(9);

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** First: decides on the store id, and announces the marker that is about to be written. */
  announce(): void {
    const stored = storedIdentity(this.#environment);
    const here = { machineId: machineId(), inode: this.#environment.inode };
    const mark = this.#environment.marker?.read();
    const isSame =
      stored?.machineId === here.machineId &&
      stored.inode === here.inode &&
      (this.#environment.marker === undefined || (mark !== undefined && stored.starts.includes(mark)));
    const storeId = isSame ? stored.storeId : drawStoreId();
    const starts = mark === undefined ? [this.#start] : [mark, this.#start];
    put(this.#environment, { ...stored, storeId, ...here, starts });
  }

  /** Last, after the marker was written. A node that has no peers is free to take another name. */
  settle(nodeName: string, hasPeers: boolean): void {
    const stored = storedIdentity(this.#environment);
    if (!stored) return;
    const knownAs = hasPeers ? (stored.knownAs ?? nodeName) : nodeName;
    put(this.#environment, { ...stored, starts: [this.#start], knownAs });
  }

  writeMarker(): void {
    this.#environment.marker?.write(this.#start);
  }
}

/** Inside a commit: another store id, because this store turned out to have lost transactions that it had told. */
export function redrawIdentity(environment: Environment): void {
  const stored = storedIdentity(environment);
  if (stored) put(environment, { ...stored, storeId: drawStoreId() });
}

export function readIdentity(environment: Environment, nodeName: string): Origin | undefined {
  const stored = storedIdentity(environment);
  return stored && { name: nodeName, storeId: stored.storeId };
}

/** The name by which the peers of this node know it, where that is another one than its own. */
export function readKnownAs(environment: Environment, nodeName: string): string | undefined {
  const knownAs = storedIdentity(environment)?.knownAs;
  return knownAs === nodeName ? undefined : knownAs;
}

function drawStoreId(): string {
  return randomId(9);
}

function put(environment: Environment, identity: StoredIdentity): void {
  environment.trees.meta.putSync(identityKey, encodeMessage(identity));
}

function storedIdentity(environment: Environment): StoredIdentity | undefined {
  const value = environment.trees.meta.get(identityKey);
  return value && (decodeMessage(value) as StoredIdentity);
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    // Not every system has one (macOS, minimal containers): then the rest decides.
    return '';
  }
}
