import type { ClockReading } from './clock-reading.ts';
import type { Endurance } from './endurance.ts';

/** What the bridge tells about one subscription of one peer. */
export interface SubscriptionStatus {
  readonly database: string;
  readonly table: string;
  readonly publish: boolean;
  readonly subscribe: boolean;
  /** Of what we receive. Where the channel is only published: of what the peer makes of it, `idle` once it has confirmed all. */
  readonly state: 'copying' | 'catching-up' | 'live' | 'waiting' | 'stopped' | 'failed' | 'idle';
  /** Also of a `live` channel that the peer cannot take from us. */
  readonly reason?: string;
  /** While copying: rows so far, rows in all; once pages have come, rows per second, seconds left. */
  readonly copy?: {
    readonly rows: number;
    readonly total: number;
    readonly rate?: number | undefined;
    readonly etaSeconds?: number | undefined;
  };
  /** For how long nothing has come of what is to be fetched, though the peer lives; absent while it moves. */
  readonly stillMs?: number;
  /** Transactions that the peer has committed and we have not applied; absent while it is silent. */
  readonly lagTransactions?: number;
  /** How long ago it committed the first of those, by its own clock; 0 when there is none, absent where that is not known. */
  readonly lagMs?: number;
  /** Transactions of ours that the peer has not confirmed (when publish): all of them before it has confirmed any, and while it copies. */
  readonly unconfirmed?: number;
  /** Of the peer as our subscriber (when publish), by what it last confirmed; absent before it has confirmed anything. */
  readonly endurance?: Endurance;
  /** Conflicts noted on the table so far: `system.hdb_conflicts` holds the latest. */
  readonly conflicts?: number;
  /** Transactions of the peer in `system.hdb_quarantine`. */
  readonly quarantined?: number;
  /** When every row of the publisher was last known to be here, ms since 1970. */
  readonly identicalAsOfMs?: number;
}

export interface PeerStatus {
  readonly node: string;
  /** `open` only with proof of life within the last few seconds. */
  readonly status: 'open' | 'closed' | 'connecting' | 'refused';
  readonly reason?: string;
  readonly latencyMs?: number;
  /** What the peer calls itself, where that is another name than it was added under. */
  readonly calledName?: string;
  /** The peer's clock, measured on the link by whoever dialled it. */
  readonly clock?: ClockReading;
  /** What a person should look at; absent when there is nothing. */
  readonly alarms?: readonly string[];
  readonly connectedSinceMs?: number;
  readonly lastSeenMs?: number;
  /** Who dialled the link that is in use. */
  readonly dialledBy?: 'us' | 'them' | 'both';
  readonly systemInfo?: {
    readonly hdb_version: string;
    readonly node_version: string;
    readonly platform: string;
  };
  readonly ports?: { readonly clustering: number; readonly operations_api: number };
  readonly subscriptions: readonly SubscriptionStatus[];
}

export interface ReplicationStatus {
  readonly nats: 'running' | 'down';
  readonly peers: readonly PeerStatus[];
  readonly alarms: readonly string[];
}

/** What a comparison of a table with one peer has shown. */
export interface VerifiedTable {
  readonly node: string;
  /** `identical`: every row that the publisher had then is here. `repaired`: it is now. */
  readonly outcome: 'identical' | 'repaired' | 'unfinished';
  /** Why it is unfinished, or what is besides. */
  readonly reason?: string;
  /** Who took part as subscriber: the comparison is its. */
  readonly comparedBy: string;
  readonly asOfMs?: number;
  readonly rows?: number;
  readonly repairedCount?: number;
  /** Keys that differed, the first hundred. */
  readonly repaired?: readonly (string | number)[];
  /** Live rows at the subscriber of which the publisher knows nothing. */
  readonly onlyAtSubscriber?: number;
}

export type ConnectOutcome =
  | { readonly kind: 'connected' }
  | { readonly kind: 'refused'; readonly code: 'join_refused' | 'name_in_use'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface NetworkNode {
  readonly name: string;
  readonly responseTimeMs?: number;
  readonly connectedNodes: readonly string[];
  readonly routes: readonly { readonly host: string; readonly port: number }[];
}

/**
 * What operations may ask of the replication process. Only questions and hints travel this way:
 * every decision (nodes, subscriptions) is in the store before the call, so a lost call costs latency, never data.
 */
export interface ReplicationControl {
  /** Rejects with code `unavailable` when the bridge does not answer. */
  status(): Promise<ReplicationStatus>;
  /** Tries now to reach and join the node, as its row in `system.hdb_nodes` says. */
  connect(node: string, timeoutMs: number): Promise<ConnectOutcome>;
  /**
   * Whether nats-server has confirmed, within the time, that it lets in the peers of the rows and nobody else. Later it
   * is asked on.
   */
  arePeersInForce(timeoutMs: number): Promise<boolean>;
  network(timeoutMs: number): Promise<readonly NetworkNode[]>;
  /** Compares a table with every peer (or one) that it is shared with, now, and repairs what differs. */
  verify(
    database: string,
    table: string,
    node: string | undefined,
    timeoutMs: number,
  ): Promise<readonly VerifiedTable[]>;
  /** Makes the stream of a channel match the (just trimmed) change log. */
  purge(database: string, table: string): Promise<void>;
  /** Something was committed; look now. */
  wake(): void;
}
