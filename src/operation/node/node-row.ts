import type { NodeRow, Subscription } from '../../model/node.ts';
import type { NodeRequest } from './node-request.ts';
import type { RequestedSubscription } from './subscription-request.ts';

/**
 * A subscription that configure_cluster left out. It stays in the row, with neither direction, because the
 * newer version wins between the two ends: without it the other end would bring the old one back.
 */
interface ReplacedSubscription extends Subscription {
  readonly replaced: true;
}

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
  const { removedVersion: _wasRemoved, ...node } = existing ?? { name: request.name };
  return {
    ...node,
    ...(request.host === undefined ? {} : { host: request.host }),
    ...(request.port === undefined ? {} : { port: request.port }),
    subscriptions: [...kept, ...added],
    addedVersion: version,
  };
}

/** The row with the channels of the request and no others. */
export function replacedRow(existing: NodeRow | undefined, request: NodeRequest, version: number): NodeRow {
  const left = existing?.subscriptions.map((one): ReplacedSubscription => {
    const {
      startTimeMs: _noFilter,
      priority: _noTurn,
      stopped: _noReason,
      onDelete: _noPolicy,
      ...channel
    } = one;
    return { ...channel, publish: false, subscribe: false, replaced: true, version };
  });
  return mergedRow(
    existing === undefined ? undefined : { ...existing, subscriptions: left ?? [] },
    request,
    version,
  );
}

/** The row of a removed node: a mark that an old join cannot undo. */
export function removedRow(existing: NodeRow, version: number): NodeRow {
  return { ...existing, subscriptions: [], removedVersion: version };
}

/** What answers show of the subscriptions. */
export function currentSubscriptions(row: NodeRow): readonly Subscription[] {
  return row.subscriptions.filter((one) => !('replaced' in one));
}

function lastOfEach(
  subscriptions: readonly RequestedSubscription[],
): ReadonlyMap<string, RequestedSubscription> {
  return new Map(subscriptions.map((one) => [channelKey(one), one]));
}

function channelKey({ database, table }: { readonly database: string; readonly table: string }): string {
  return `${database}\n${table}`;
}
