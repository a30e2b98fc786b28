import { channelName, maxChannelNameBytes } from './channel-name.ts';
import { nameProblem } from './names.ts';
import type { Subscription } from './node.ts';
import { systemDatabase } from './table.ts';
import { msToVersion } from './version-clock.ts';

/** Of a subscription that does not say: some tables may go before it and some after. */
export const defaultPriority = 5;
export const highestPriority = 9;

/** What two nodes tell each other of a subscription: from the teller's view, without what is local. */
export type SharedSubscription = Omit<Subscription, 'stopped' | 'onDelete' | 'replaced'>;

/**
 * Whether there may be such a channel: what add_node refuses, nobody else brings in. Users, roles and peers are rows of
 * `system`, and each node's own.
 */
export function isReplicable({ database, table }: Pick<Subscription, 'database' | 'table'>): boolean {
  return (
    database !== systemDatabase &&
    nameProblem(database) === undefined &&
    nameProblem(table) === undefined &&
    channelName(database, table).length <= maxChannelNameBytes
  );
}

/** Versions up to here its start time leaves out, however early or late that is; 0 without one. */
export function leftOutBy({ startTimeMs }: Pick<Subscription, 'startTimeMs'>): number {
  return startTimeMs === undefined
    ? 0
    : Math.min(Math.max(0, msToVersion(startTimeMs)), Number.MAX_SAFE_INTEGER);
}

/** What a person reads of a channel that drop_table stopped: here, or at the node that is named. */
export function stoppedReason(at?: string): string {
  return `the table was dropped ${at === undefined ? 'here' : `at ${at}`}: update_node ${at === undefined ? 'here' : 'there'} with this channel takes it up again`;
}

/** What of a subscription the other end is told. */
export function shared(subscription: Subscription): SharedSubscription {
  const { database, table, publish, subscribe, startTimeMs, priority, version } = subscription;
  return {
    database,
    table,
    publish,
    subscribe,
    ...(startTimeMs === undefined ? {} : { startTimeMs }),
    ...(priority === undefined ? {} : { priority }),
    version,
  };
}

/** The same subscription from the other end. */
export function mirrored(subscription: SharedSubscription): SharedSubscription {
  return { ...shared(subscription), publish: subscription.subscribe, subscribe: subscription.publish };
}

/**
 * Both ends hold the whole agreement about a pair; per channel the newer decision wins.
 *
 * @param theirs from their view
 * @param endedUpTo what they decided up to this version has ended: it is taken over as that
 * @returns `mine` itself when nothing in it is older
 */
export function mergeSubscriptions(
  mine: readonly Subscription[],
  theirs: readonly SharedSubscription[],
  endedUpTo = -1,
): readonly Subscription[] {
  const merged = new Map(mine.map((subscription) => [channelOf(subscription), subscription]));
  let isChanged = false;
  for (const said of theirs) {
    const isEnded = said.version <= endedUpTo;
    const told = isEnded ? ended(said, endedUpTo) : said;
    const known = merged.get(channelOf(told));
    if (known && known.version > told.version) continue;
    const decided = known?.version === told.version ? united(known, mirrored(told)) : mirrored(told);
    if (known && known.version === decided.version && isSameAgreement(known, decided)) continue;
    merged.set(channelOf(told), {
      ...decided,
      ...(isEnded ? { replaced: true } : {}),
      ...(known ? localPart(known, decided) : {}),
    });
    isChanged = true;
  }
  return isChanged ? [...merged.values()] : mine;
}

/** A channel that is agreed no longer, as of a version. */
export function ended({ database, table }: SharedSubscription, version: number): Subscription {
  return { database, table, publish: false, subscribe: false, replaced: true, version };
}

/** What this end keeps of its own under a new agreement. */
function localPart(
  known: Subscription,
  decided: SharedSubscription,
): Pick<Subscription, 'stopped' | 'onDelete'> {
  const { stopped, onDelete } = known;
  return {
    ...(stopped && isSameAgreement(known, decided) ? { stopped } : {}),
    ...(onDelete ? { onDelete } : {}),
  };
}

/** Two decisions of one moment, one at each end: what either of them wants. */
function united(a: SharedSubscription, b: SharedSubscription): SharedSubscription {
  const startTimes = [a.startTimeMs, b.startTimeMs].filter((time) => time !== undefined);
  const priorities = [a.priority, b.priority].filter((priority) => priority !== undefined);
  return {
    database: a.database,
    table: a.table,
    publish: a.publish || b.publish,
    subscribe: a.subscribe || b.subscribe,
    // From the beginning, if one of them wants that.
    ...(startTimes.length === 2 ? { startTimeMs: Math.min(...startTimes) } : {}),
    ...(priorities.length > 0 ? { priority: Math.max(...priorities) } : {}),
    version: a.version,
  };
}

function isSameAgreement(a: SharedSubscription, b: SharedSubscription): boolean {
  return (
    a.publish === b.publish &&
    a.subscribe === b.subscribe &&
    a.startTimeMs === b.startTimeMs &&
    a.priority === b.priority
  );
}

function channelOf(subscription: SharedSubscription): string {
  return JSON.stringify([subscription.database, subscription.table]);
}
