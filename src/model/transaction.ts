import type { Origin } from './change.ts';

export type WriteOperation = 'insert' | 'update' | 'upsert' | 'delete';

/** What is known of a transaction apart from its changes. */
export interface TransactionHeader {
  /** Random, 16 characters; names one commit in the history of one store. */
  readonly id: string;
  /** `write`: one origin, one version. `rows`: records that a copy, merge or repair changed here, each with its own stamp. */
  readonly kind: 'write' | 'rows';
  readonly origin: Origin;
  readonly version: number;
  /** Of `rows`: the table of the node that they were copied from, see {@link viaOf}. */
  readonly via: string | undefined;
  readonly operation: WriteOperation | undefined;
  readonly user: string | undefined;
}

/** Names the table that rows were copied from: it holds them, unlike one that was made anew under its name since. */
export function viaOf(storeId: string, incarnation: string): string {
  return `${storeId} ${incarnation}`;
}

/** Whether rows were copied from a table of this store. */
export function isVia(via: string | undefined, storeId: string | undefined): boolean {
  return storeId !== undefined && via?.startsWith(`${storeId} `) === true;
}

/** Number of a transaction's part in the channel where it began: dense among all that the origin logged there. */
export interface OriginPlace {
  /** Incarnation of the origin's table: a dropped and re-created table counts from 1 again. */
  readonly incarnation: string;
  /** Its channelSeq at the origin. */
  readonly seq: number;
}

/** One numbered transaction of a channel, as it travels and as the publisher sees it. */
export type ChannelItem = WholeItem | StubItem | PieceItem | UndecodableItem;

export interface WholeItem {
  readonly kind: 'whole';
  /** channelSeq at the publisher. */
  readonly seq: number;
  readonly header: TransactionHeader;
  readonly originPlace: OriginPlace;
  /** Every part of the transaction, in this publisher's channels. */
  readonly parts: readonly { readonly channel: string; readonly seq: number }[];
  /** `encodeChanges` block: opaque to whoever only passes it on. */
  readonly changes: Uint8Array;
}

/** A transaction whose body the subscriber has from elsewhere. */
export interface StubItem {
  readonly kind: 'stub';
  readonly seq: number;
  readonly header: TransactionHeader;
  readonly originPlace: OriginPlace;
}

/** Part `index` of `count` of the encoding of a whole item that is larger than a message. */
export interface PieceItem {
  readonly kind: 'piece';
  readonly seq: number;
  readonly id: string;
  readonly index: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** What arrived under a number and cannot be read here. */
export interface UndecodableItem {
  readonly kind: 'undecodable';
  readonly seq: number;
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly detail: string;
}
