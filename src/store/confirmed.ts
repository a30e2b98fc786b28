import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import type { Commit } from './commit.ts';
import type { Environment, Tree, TreeKey } from './environment.ts';

/** A place in a channel of this store. */
export interface ConfirmedPlace {
  readonly tableId: number;
  /** channelSeq last applied there, and the id of that transaction ('' for 0). While it copies: where the copy began. */
  readonly seq: number;
  readonly id: string;
}

/** What a peer says of one channel of this store. */
export interface Told extends ConfirmedPlace {
  /** Of the peer: another device may have its name by now. Undefined in rows of format 1. */
  readonly storeId?: string | undefined;
  readonly isCopying?: boolean | undefined;
}

/** How far a peer had come, on its disk, in a channel of this store when it last said so. */
export interface Confirmation extends Told {
  readonly peer: string;
  /** When this was written down, ms since 1970. */
  readonly atMs: number;
  /** Since when it is told that the log will not wait much longer for this peer; undefined while that is not so. */
  readonly warnedAtMs: number | undefined;
}

export interface ConfirmedOptions {
  readonly environment: Environment;
  /** Numbers of the tables that are published to the peer now. */
  readonly publishedTo: (peer: string) => ReadonlySet<number>;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
  readonly now: () => number;
}

/** Of rows that say nothing of the store of the peer. */
const oldFormat = 1;
const format = 2;

/** A place that only advances is written this often at most: what is kept here may be older than the truth. */
const writeAgainMs = 10_000;

/**
 * What every current subscriber of a channel has confirmed, by peer and number of the table: known also while
 * the peer is away and after a restart. Retention is decided by it.
 *
 * A peer that has never confirmed anything has no entry: it has to copy, whatever is kept for it. Entries go
 * with the table, and with the subscription.
 */
export class Confirmed {
  readonly #options: ConfirmedOptions;

  constructor(options: ConfirmedOptions) {
    this.#options = options;
  }

  get(peer: string, tableId: number): Confirmation | undefined {
    const value = this.#tree.get([tableId, peer]);
    return value && decode([tableId, peer], value);
  }

  /** Of each subscriber of a channel, or of all channels. */
  all(tableId?: number): readonly Confirmation[] {
    const range = tableId === undefined ? {} : { start: [tableId], end: [tableId + 1] };
    return [...this.#tree.getRange(range)].map(({ key, value }) => decode(key, value));
  }

  /** Of the subscriber that is furthest behind; undefined when none has confirmed anything. */
  lowest(tableId: number): Confirmation | undefined {
    return this.all(tableId).toSorted((a, b) => a.seq - b.seq)[0];
  }

  /**
   * Takes what a peer says it has applied, also when that is less than before (an older backup was put back
   * there). The caller has checked that the place is of this history of the table.
   */
  async note(peer: string, told: readonly Told[]): Promise<void> {
    if (!told.some((place) => this.#isDue(peer, place))) return;
    await this.#options.run((commit) => {
      const published = this.#options.publishedTo(peer);
      for (const place of told)
        if (published.has(place.tableId) && this.#isDue(peer, place))
          this.#put({
            ...place,
            peer,
            atMs: commit.nowMs,
            warnedAtMs: this.get(peer, place.tableId)?.warnedAtMs,
          });
    });
  }

  /** Inside a commit: notes that the log may overtake a peer, or that it no longer may. */
  warn(commit: Commit, known: Confirmation, isInDanger: boolean): void {
    this.#put({ ...known, warnedAtMs: isInDanger ? commit.nowMs : undefined });
  }

  /** Inside a commit: forgets what these peers confirmed of all other tables. */
  keepOnly(tableIds: ReadonlyMap<string, ReadonlySet<number>>): void {
    for (const key of [...this.#tree.getKeys({})]) {
      const [tableId, peer] = key as [number, string];
      if (tableIds.get(peer)?.has(tableId) === false) this.#tree.removeSync(key);
    }
  }

  /** Inside a commit. */
  removeTable(tableId: number): void {
    for (const key of [...this.#tree.getKeys({ start: [tableId], end: [tableId + 1] })])
      this.#tree.removeSync(key);
  }

  #isDue(peer: string, { tableId, seq, id, storeId, isCopying = false }: Told): boolean {
    const known = this.get(peer, tableId);
    if (!known || seq < known.seq) return true;
    if (storeId !== known.storeId || isCopying !== (known.isCopying ?? false)) return true;
    if (seq === known.seq && id === known.id) return false;
    // Either way: the clock may have been set back.
    return Math.abs(this.#options.now() - known.atMs) >= writeAgainMs;
  }

  #put({ peer, tableId, seq, id, atMs, warnedAtMs, storeId, isCopying }: Confirmation): void {
    const more = storeId === undefined ? [] : [storeId, isCopying ?? false];
    const row = [more.length > 0 ? format : oldFormat, seq, id, atMs, warnedAtMs ?? null, ...more];
    this.#tree.putSync([tableId, peer], encodeMessage(row));
  }

  get #tree(): Tree {
    return this.#options.environment.trees.confirmed;
  }
}

function decode(key: TreeKey, value: Buffer): Confirmation {
  const [tableId, peer] = key as [number, string];
  const [, seq, id, atMs, warnedAtMs, storeId, isCopying] = decodeMessage(value) as [
    format: number,
    seq: number,
    id: string,
    atMs: number,
    warnedAtMs: number | null,
    storeId?: string,
    isCopying?: boolean,
  ];
  return { peer, tableId, seq, id, atMs, warnedAtMs: warnedAtMs ?? undefined, storeId, isCopying };
}
