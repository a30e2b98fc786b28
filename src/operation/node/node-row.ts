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

/** What {@link mergedRow} made of a row. */
export interface Merged {
  readonly request: NodeRequest;
  version: number;
  /** Without what was refused since. */
  before: NodeRow | undefined;
}

/**
 * The row without what was merged into it; null where that was all there is in it, undefined where the node was removed
 * since. What was decided after the request stays: other channels, the same ones asked for again, and that a table was
 * dropped. A node that has a key may have heard of the channels, and has to hear that they are not agreed.
 */
export function takenBack(row: NodeRow, { request, version, before }: Merged): NodeRow | null | undefined {
  if (row.removedVersion !== undefined) return undefined;
  const isNewest = row.addedVersion === version;
  const mayBeTold = row.nkey !== undefined;
  const asked = lastOfEach(request.subscriptions);
  const former = new Map(before?.subscriptions.map((one) => [channelKey(one), one]));
  const subscriptions = row.subscriptions.flatMap((one): readonly Subscription[] => {
    const { stopped } = one;
    const isOfRequest = one.version === version || (isNewest && stopped !== undefined);
    if (!asked.has(channelKey(one)) || !isOfRequest) return [one];
    const again = former.get(channelKey(one)) ?? (mayBeTold ? ended(one, version) : undefined);
    if (again === undefined) return [];
    return [
      {
        ...again,
        ...(stopped && again.subscribe ? { stopped } : {}),
        // As little as that: whatever the other node has decided since is newer.
        version: mayBeTold ? one.version + 1 : again.version,
      },
    ];
  });
  if (!isNewest) return { ...row, subscriptions };
  if (before?.removedVersion !== undefined) return before;
  if (before === undefined && subscriptions.length === 0 && !mayBeTold) return null;
  const { host, port, ...rest } = row;
  const asMerged = mergedRow(before, request, version);
  // A route may have led to the node elsewhere.
  const address = host === asMerged.host && port === asMerged.port ? before : row;
  return {
    ...rest,
    ...(address?.host === undefined ? {} : { host: address.host }),
    ...(address?.port === undefined ? {} : { port: address.port }),
    subscriptions,
    addedVersion: before?.addedVersion ?? version,
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
