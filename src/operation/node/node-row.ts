import { addedAgain, type NodeRow, type Subscription } from '../../model/node.ts';
import { ended } from '../../model/subscription.ts';
import type { NodeRequest } from './node-request.ts';
import type { RequestedSubscription } from './subscription-request.ts';

/**
 * The row with the channels of the request put into it; the others stay as they are. What a channel does on a
 * delete stays too unless the request says: a client that does not know of it must not change it.
 */
export function mergedRow(existing: NodeRow | undefined, request: NodeRequest, version: number): NodeRow {
  const asked = lastOfEach(request.subscriptions);
  const known = new Map(existing?.subscriptions.map((one) => [channelKey(one), one]));
  const kept = [...known.values()].filter((one) => !asked.has(channelKey(one)));
  const added = [...asked].map(([key, one]): Subscription => {
    const onDelete = one.onDelete ?? known.get(key)?.onDelete;
    return { ...one, ...(onDelete ? { onDelete } : {}), version };
  });
  const node = existing ? addedAgain(existing) : { name: request.name };
  const isDialled = existing?.host !== undefined && existing.removedVersion === undefined;
  const { host, port } = request.host === undefined && !isDialled ? (request.fallback ?? {}) : request;
  return {
    ...node,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    subscriptions: [...kept, ...added],
    addedVersion: version,
  };
}

/** The row with the channels of the request and no others. */
export function replacedRow(existing: NodeRow | undefined, request: NodeRequest, version: number): NodeRow {
  const left = existing?.subscriptions.map((one) => ended(one, version));
  return mergedRow(existing && { ...existing, subscriptions: left ?? [] }, request, version);
}

/** The row of a removed node: a mark that an old join cannot undo. */
export function removedRow(existing: NodeRow, version: number): NodeRow {
  return { ...existing, subscriptions: [], removedVersion: version };
}

/** What answers show of the subscriptions. */
export function currentSubscriptions(row: NodeRow): readonly Subscription[] {
  return row.subscriptions.filter(({ replaced }) => !replaced);
}

function lastOfEach(
  subscriptions: readonly RequestedSubscription[],
): ReadonlyMap<string, RequestedSubscription> {
  return new Map(subscriptions.map((one) => [channelKey(one), one]));
}

function channelKey({ database, table }: { readonly database: string; readonly table: string }): string {
  return `${database}\n${table}`;
}
