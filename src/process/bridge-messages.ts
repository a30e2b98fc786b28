import type {
  ConnectOutcome,
  NetworkNode,
  ReplicationStatus,
  VerifiedTable,
} from '../model/replication-control.ts';
import type { NodeSetup } from './node-setup.ts';

/** From the api process to the bridge: hints and questions, never data. */
export type ToBridge =
  | { readonly kind: 'start'; readonly setup: NodeSetup }
  /** Nobody commits: open the store now. */
  | { readonly kind: 'open' }
  | { readonly kind: 'committed' }
  | { readonly kind: 'writing' }
  | { readonly kind: 'wake' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question };

export type Question =
  /** Are you there? Answered whatever the bridge is doing. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'status' }
  | { readonly kind: 'connect'; readonly node: string; readonly timeoutMs: number }
  | { readonly kind: 'peersInForce'; readonly timeoutMs: number }
  | { readonly kind: 'network'; readonly timeoutMs: number }
  | {
      readonly kind: 'verify';
      readonly database: string;
      readonly table: string;
      readonly node: string | undefined;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'purge'; readonly database: string; readonly table: string };

export interface Answers {
  readonly ping: undefined;
  readonly status: ReplicationStatus;
  readonly connect: ConnectOutcome;
  readonly peersInForce: boolean;
  readonly network: readonly NetworkNode[];
  readonly verify: readonly VerifiedTable[];
  readonly purge: undefined;
}

/** From the bridge to the api process. */
export type FromBridge =
  /** It is about to open the store, and waits until nobody commits. */
  | { readonly kind: 'opening' }
  | { readonly kind: 'opened' }
  | { readonly kind: 'ready' }
  /** It cannot run, and why, in one line; it exits after this. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: Answers[keyof Answers] }
  | { readonly kind: 'refused'; readonly id: number; readonly reason: string };
