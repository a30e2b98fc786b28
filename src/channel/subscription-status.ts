import { channelName } from '../model/channel-name.ts';
import type { Endurance } from '../model/endurance.ts';
import type { Subscription } from '../model/node.ts';
import type { SubscriptionStatus } from '../model/replication-control.ts';
import type { Cursor } from '../store/cursors.ts';
import type { Store } from '../store/store.ts';
import type { ChannelReceiver } from './channel-receiver.ts';
import type { Hello } from './protocol.ts';
import { toldPlace } from './told-place.ts';

export interface SubscriptionFacts {
  readonly store: Store;
  readonly peer: string;
  readonly subscription: Subscription;
  readonly peerStoreId: string | undefined;
  readonly receiver: ChannelReceiver | undefined;
  readonly hello: Hello | undefined;
  /** Why the peer cannot be heard; undefined while it can. */
  readonly silence: string | undefined;
}

type State = Pick<SubscriptionStatus, 'state' | 'reason' | 'copy'>;

/** What is true of one subscription now; never greener than what was last heard. */
export function subscriptionStatus(facts: SubscriptionFacts): SubscriptionStatus {
  const { subscription, hello, store, peerStoreId } = facts;
  const channel = channelName(subscription.database, subscription.table);
  const table = store.catalog.table(subscription.database, subscription.table);
  const cursor = table && peerStoreId !== undefined ? store.cursors.get(peerStoreId, table.id) : undefined;
  const head = hello?.heads[channel];
  const lag =
    subscription.subscribe && cursor && !cursor.copy && head ? Math.max(0, head.seq - cursor.seq) : undefined;
  const endurance = enduranceOf(facts);
  const verified = subscription.subscribe ? facts.receiver?.verifier.last : hello?.verified[channel];
  const quarantined = store.quarantine
    .all()
    .filter(
      (entry) =>
        entry.storeId === peerStoreId &&
        entry.database === subscription.database &&
        entry.tableName === subscription.table,
    ).length;
  return {
    database: subscription.database,
    table: subscription.table,
    publish: subscription.publish,
    subscribe: subscription.subscribe,
    ...stateOf(facts, cursor, lag),
    ...(lag === undefined
      ? {}
      : {
          lagTransactions: lag,
          lagMs: lag === 0 ? 0 : Math.max(0, Date.now() - (head?.committedAtMs ?? 0)),
        }),
    ...(endurance ? { unconfirmed: endurance.waiting.transactions, endurance } : {}),
    ...(table ? { conflicts: store.statistics(table).conflicts } : {}),
    ...(quarantined === 0 ? {} : { quarantined }),
    ...(verified ? { identicalAsOfMs: verified.asOfMs } : {}),
  };
}

/** By what the peer said last: in this process, or as it is kept while the peer is away. */
function enduranceOf({ store, subscription, peer, hello }: SubscriptionFacts): Endurance | undefined {
  const { publish, database, table: name } = subscription;
  const table = store.catalog.table(database, name);
  if (!publish || !table) return undefined;
  const confirmed =
    toldPlace(store, table, hello?.cursors[channelName(database, name)]) ??
    store.confirmed.get(peer, table.id);
  return confirmed && store.endurance.of(table.id, confirmed.seq);
}

function stateOf(
  { subscription, receiver, silence, hello, peer }: SubscriptionFacts,
  cursor: Cursor | undefined,
  lag: number | undefined,
): State {
  if (subscription.stopped) return { state: 'stopped', reason: subscription.stopped };
  if (!subscription.subscribe)
    return silence === undefined ? { state: 'idle' } : { state: 'idle', reason: silence };
  if (silence !== undefined) return { state: 'waiting', reason: silence };
  if (hello?.stopped?.includes(channelName(subscription.database, subscription.table)))
    return { state: 'waiting', reason: `stopped at ${peer}` };
  const received = receiver?.state;
  switch (received?.kind) {
    case 'failed':
      return { state: 'failed', reason: received.reason };
    case 'waiting':
      return { state: 'waiting', reason: received.reason };
    case 'awaiting-body':
      return { state: 'waiting', reason: 'for a transaction that another node brings' };
    case 'copying':
    case 'following':
    case 'subscribing':
    case undefined:
      if (cursor?.copy) return { state: 'copying', copy: progressOf(cursor.copy) };
      if (!cursor) return { state: 'waiting', reason: 'for the first answer of the publisher' };
      if (cursor.unproven?.hole)
        return {
          state: 'catching-up',
          reason: 'to be compared with the publisher: something is in quarantine',
        };
      if (cursor.unproven)
        return { state: 'catching-up', reason: 'comparing with the publisher what the copy has brought' };
      return lag === 0 ? { state: 'live' } : { state: 'catching-up' };
  }
}

function progressOf(copy: NonNullable<Cursor['copy']>): NonNullable<SubscriptionStatus['copy']> {
  const seconds = Math.max(0.001, (Date.now() - copy.startedAtMs) / 1000);
  const rate = copy.rows / seconds;
  const etaSeconds = rate > 0 ? Math.max(0, (copy.total - copy.rows) / rate) : 0;
  return { rows: copy.rows, total: copy.total, rate, etaSeconds };
}
