import type { Subscription } from './node.ts';

/** What two nodes tell each other of a subscription: from the teller's view, without what is local. */
export type SharedSubscription = Omit<Subscription, 'stopped'>;

/** The same subscription from the other end. */
export function mirrored(subscription: SharedSubscription): SharedSubscription {
  const { database, table, publish, subscribe, startTimeMs, version } = subscription;
  return {
    database,
    table,
    publish: subscribe,
    subscribe: publish,
    ...(startTimeMs === undefined ? {} : { startTimeMs }),
    version,
  };
}

/**
 * Both ends hold the whole agreement about a pair; per channel the newer decision wins.
 *
 * @param theirs from their view
 * @returns `mine` itself when nothing in it is older
 */
export function mergeSubscriptions(
  mine: readonly Subscription[],
  theirs: readonly SharedSubscription[],
): readonly Subscription[] {
  const merged = new Map(mine.map((subscription) => [channelOf(subscription), subscription]));
  let isChanged = false;
  for (const shared of theirs) {
    const known = merged.get(channelOf(shared));
    if (known && known.version > shared.version) continue;
    const decided = known?.version === shared.version ? united(known, mirrored(shared)) : mirrored(shared);
    if (known && known.version === decided.version && isSameAgreement(known, decided)) continue;
    merged.set(
      channelOf(shared),
      known?.stopped && isSameAgreement(known, decided) ? { ...decided, stopped: known.stopped } : decided,
    );
    isChanged = true;
  }
  return isChanged ? [...merged.values()] : mine;
}

/** Two decisions of one moment, one at each end: what either of them wants. */
function united(a: SharedSubscription, b: SharedSubscription): SharedSubscription {
  const startTimes = [a.startTimeMs, b.startTimeMs].filter((time) => time !== undefined);
  return {
    database: a.database,
    table: a.table,
    publish: a.publish || b.publish,
    subscribe: a.subscribe || b.subscribe,
    // From the beginning, if one of them wants that.
    ...(startTimes.length === 2 ? { startTimeMs: Math.min(...startTimes) } : {}),
    version: a.version,
  };
}

function isSameAgreement(a: SharedSubscription, b: SharedSubscription): boolean {
  return a.publish === b.publish && a.subscribe === b.subscribe && a.startTimeMs === b.startTimeMs;
}

function channelOf(subscription: SharedSubscription): string {
  return JSON.stringify([subscription.database, subscription.table]);
}
