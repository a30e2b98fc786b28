import type { Table } from '../model/table.ts';
import type { Later } from '../runtime/later.ts';

export interface StoreOptions extends OpenStoreOptions {
  /** Directory of the LMDB environment. */
  readonly path: string;
  readonly mapSizeBytes?: number;
  /** With less free than this on its disk, commits that make the store larger are refused. */
  readonly minFreeDiskBytes?: number;
}

/** Up to where what lost to concurrent writes is kept: what is older, more or larger goes, oldest first. */
export interface ConflictBounds {
  readonly maxAgeMs: number;
  readonly maxCount: number;
  readonly maxBytes: number;
}

export interface OpenStoreOptions {
  readonly nodeName: string;
  /** The api process opens first: it creates the store and decides its identity. */
  readonly role: 'api' | 'bridge';
  readonly maxTransactionBytes?: number;
  /** Versions of peers further ahead than this wait in quarantine. */
  readonly maxClockSkewMs?: number;
  /** Once what a peer has in quarantine takes so much, nothing more of it goes there. */
  readonly maxQuarantineBytes?: number;
  /** Those that are not named are as usual. */
  readonly conflictBounds?: Partial<ConflictBounds>;
  readonly logMaxAgeMs?: number;
  readonly logMaxBytes?: number;
  /** A peer that the log will overtake is warned of at least so long before. */
  readonly logNoticeMs?: number;
  /** Tombstones are kept this long at least, and longer until every subscriber has passed them. */
  readonly tombstoneRetentionMs?: number;
  /** Then they go all the same. */
  readonly tombstoneMaxMs?: number;
  /** Wall clock, ms since 1970. */
  readonly now?: () => number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs?: () => number;
  /** When those who read for long let their snapshots go. */
  readonly later?: Later;
  /**
   * Told of a table in which two writes turned out to have one stamp: no honest node makes that. Inside a commit, which may
   * run again or be rolled back; it must be cheap and must not throw.
   */
  readonly onSameStamp?: (table: Pick<Table, 'database' | 'name'>) => void;
  /** Called before each write of a client; a hint, as {@link onCommit}. */
  readonly onWrite?: () => void;
  /** Called after a commit that others may wait for; a hint, so it must be cheap and must not throw. */
  readonly onCommit?: () => void;
}
