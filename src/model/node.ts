export const deletePolicies = ['apply', 'ignore', 'archive'] as const;

/**
 * What a delete that comes over a subscription does to the record here: removes it; leaves it readable here,
 * and only here; removes it and keeps it in `system.hdb_archive`. Replication sees the delete in every case.
 */
export type DeletePolicy = (typeof deletePolicies)[number];

/** One channel of one peer, as asked by `add_node` and friends, from this node's view. */
export interface Subscription {
  readonly database: string;
  readonly table: string;
  readonly publish: boolean;
  readonly subscribe: boolean;
  /** Only versions after this instant, ms since 1970. */
  readonly startTimeMs?: number | undefined;
  /** 0 to 9: what waits in a channel goes before what waits in one of a lower number. */
  readonly priority?: number | undefined;
  /** Set by drop_table; cleared by the next add_node or update_node that names the channel. */
  readonly stopped?: 'dropped here';
  /** This node's own decision, which the other end never hears; absent is `apply`. */
  readonly onDelete?: DeletePolicy;
  /**
   * The channel has ended, by configure_cluster or with the node's removal. It stays in the row, with neither direction
   * and hidden from answers, for the other end to hear of it: the newer version wins between the two.
   */
  readonly replaced?: true;
  /** Clock version of the operation that decided this; the newer one wins between the two ends. */
  readonly version: number;
}

/** A row of `system.hdb_nodes`: what this node knows of a peer. */
export interface NodeRow {
  readonly name: string;
  /** Where to dial it; absent when it only dials us. */
  readonly host?: string;
  readonly port?: number;
  readonly subscriptions: readonly Subscription[];
  /** Public nkey, once joined. */
  readonly nkey?: string;
  /** PEM of its server certificate, pinned at the join. */
  readonly certificate?: string;
  readonly storeId?: string;
  /** Clock version of the latest add_node (ours or theirs). */
  readonly addedVersion: number;
  /** Set by remove_node: kept as a mark so that an old join does not bring the node back; hidden from answers. */
  readonly removedVersion?: number;
  /** The last {@link removedVersion} of a node that was added again: what was agreed up to there has ended. */
  readonly endedUpTo?: number;
}

/** The row of a node that may come back, if it was removed. */
export function addedAgain({ removedVersion, ...row }: NodeRow): NodeRow {
  return removedVersion === undefined ? row : { ...row, endedUpTo: removedVersion };
}

/** The row of a node that says it has removed this one; undefined where that has ended already, or was added later. */
export function removedThere(row: NodeRow, removedVersion: number): NodeRow | undefined {
  const isNews = row.removedVersion === undefined && removedVersion > row.addedVersion;
  return isNews ? { ...row, subscriptions: [], removedVersion } : undefined;
}

/** A node as its key shows it. */
export type KeyedNode = Required<Pick<NodeRow, 'name' | 'nkey'>>;

/** Whom each key lets in: this node itself, or of the peers that have it the one that was added first. */
export function keyHolders(self: KeyedNode, rows: readonly NodeRow[]): ReadonlyMap<string, string> {
  const lastFirst = rows
    .filter(({ removedVersion }) => removedVersion === undefined)
    .toSorted((one, other) => other.addedVersion - one.addedVersion);
  const peers = lastFirst.flatMap(({ nkey, name }) => (nkey === undefined ? [] : [[nkey, name] as const]));
  return new Map([...peers, [self.nkey, self.name]]);
}
