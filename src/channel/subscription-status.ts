import { channelName } from '../model/channel-name.ts';
import { durationText } from '../model/duration-text.ts';
import type { SubscriptionStatus } from '../model/replication-control.ts';
import { leftOutBy, stoppedReason } from '../model/subscription.ts';
import { isBeforeRelease } from '../store/clock-guard.ts';
import { hasLeftOut, type Cursor } from '../store/cursors.ts';
import type { ChannelReceiver } from './channel-receiver.ts';
import { copyRate } from './copy-rate.ts';
import { failureThere, publishedState, unconfirmedOf, type PublishedFacts } from './published-status.ts';

export interface SubscriptionFacts extends PublishedFacts {
  readonly receiver: ChannelReceiver | undefined;
  readonly heardAgoMs: number;
  /** Why the peer cannot be heard; undefined while it can. */
  readonly silence: string | undefined;
  /** For how long nothing has come, though there is something to fetch. */
  readonly stillMs: number;
}

/** Longer than a lost question of any kind takes to be asked again. */
export const stillLimitMs = 60_000;

type State = Pick<SubscriptionStatus, 'state' | 'reason' | 'copy'>;

/** What is true of one subscription now; never greener than what was last heard. */
export function subscriptionStatus(facts: SubscriptionFacts): SubscriptionStatus {
  const { subscription, hello, store, peerStoreId } = facts;
  const channel = channelName(subscription.database, subscription.table);
  const table = store.catalog.table(subscription.database, subscription.table);
  const cursor = cursorOf(facts);
  const lag = lagOf(facts, cursor);
  const compared = facts.receiver?.verifier.last;
  const ours = compared?.early === 0 ? compared : undefined;
  const verified = subscription.subscribe ? ours : hello?.verified[channel];
  const quarantined =
    peerStoreId === undefined
      ? 0
      : store.quarantine.held(peerStoreId, subscription.database, subscription.table).transactions;
  return {
    database: subscription.database,
    table: subscription.table,
    publish: subscription.publish,
    subscribe: subscription.subscribe,
    ...stateOf(facts, cursor, lag),
    ...(facts.stillMs < stillLimitMs ? {} : { stillMs: facts.stillMs }),
    ...lagFields(facts, cursor, lag),
    ...unconfirmedOf(facts),
    ...(table ? { conflicts: store.conflictsNoted(table) } : {}),
    ...(quarantined === 0 ? {} : { quarantined }),
    ...(verified ? { identicalAsOfMs: verified.asOfMs } : {}),
  };
}

/** Where a channel is: changes with whatever comes. Undefined while there is nothing to fetch, or a reason not to. */
export function fetchingPlace(facts: SubscriptionFacts): string | undefined {
  const cursor = cursorOf(facts);
  const lag = lagOf(facts, cursor);
  if (reasonOf(facts) || progressOf(facts, cursor, lag).state === 'live') return undefined;
  // What is in quarantine may wait for a person; what comes behind it does not.
  if (cursor?.unproven?.hole && lag === 0) return undefined;
  return JSON.stringify([cursor?.incarnation, cursor?.seq, cursor?.copy?.afterKey, facts.receiver?.answers]);
}

function cursorOf({ store, subscription, peerStoreId }: SubscriptionFacts): Cursor | undefined {
  const table = store.catalog.table(subscription.database, subscription.table);
  return table && peerStoreId !== undefined ? store.cursors.get(peerStoreId, table.id) : undefined;
}

/** Transactions that the peer has and we have not; undefined where that cannot be said. */
function lagOf({ subscription, hello }: SubscriptionFacts, cursor: Cursor | undefined): number | undefined {
  const head = hello?.heads[channelName(subscription.database, subscription.table)];
  return subscription.subscribe && cursor && !cursor.copy && head
    ? Math.max(0, head.seq - cursor.seq)
    : undefined;
}

/** Of a peer that is silent nobody knows what it has by now. */
function lagFields(
  facts: SubscriptionFacts,
  cursor: Cursor | undefined,
  lag: number | undefined,
): Pick<SubscriptionStatus, 'lagTransactions' | 'lagMs'> {
  if (lag === undefined || facts.silence !== undefined) return {};
  const lagMs = lag === 0 ? 0 : lagMsOf(facts, cursor);
  return { lagTransactions: lag, ...(lagMs === undefined ? {} : { lagMs }) };
}

/**
 * How long ago the peer has committed the first transaction that we lack, by its own clock; longer where we have applied
 * more than it knew. Undefined where it does not tell, or its clock was set in between.
 */
function lagMsOf(
  { subscription, hello, heardAgoMs }: SubscriptionFacts,
  cursor: Cursor | undefined,
): number | undefined {
  const head = hello?.heads[channelName(subscription.database, subscription.table)];
  if (!hello || !head || !cursor) return undefined;
  const { clockMs } = hello;
  const first = [head, head.unconfirmed].find(
    (told) => told !== undefined && told.seq <= cursor.seq + 1 && told.committedAtMs > 0,
  );
  if (!first || isBeforeRelease(first.committedAtMs) !== isBeforeRelease(clockMs)) return undefined;
  const agoMs = clockMs - first.committedAtMs;
  return agoMs < 0 ? undefined : Math.round(agoMs + heardAgoMs);
}

function stateOf(facts: SubscriptionFacts, cursor: Cursor | undefined, lag: number | undefined): State {
  const known = reasonOf(facts);
  if (known) return known;
  const progress = progressOf(facts, cursor, lag);
  const failed = failureThere(facts);
  if (progress.state === 'live' && failed !== undefined) return { ...progress, reason: failed };
  if (facts.stillMs < stillLimitMs) return progress;
  const { peer, stillMs } = facts;
  const reason = `nothing has come for ${durationText(stillMs)}, though ${peer} answers greetings; it is asked again and again`;
  return { ...progress, state: 'waiting', reason };
}

/** Why the channel does not go on by itself, or has no need to; undefined while it should. */
function reasonOf(facts: SubscriptionFacts): State | undefined {
  const { store, subscription, receiver, silence, hello, peer } = facts;
  const { publish, subscribe, stopped } = subscription;
  if (stopped) return { state: 'stopped', reason: stoppedReason() };
  if (!publish && !subscribe) return { state: 'idle' };
  if (silence !== undefined) return { state: 'waiting', reason: silence };
  if (hello?.stopped?.includes(channelName(subscription.database, subscription.table)))
    return { state: 'waiting', reason: stoppedReason(peer) };
  if (!subscribe) return publishedState(facts);
  if (store.shortage !== undefined) return { state: 'waiting', reason: store.shortage };
  const received = receiver?.state;
  switch (received?.kind) {
    case 'failed':
    case 'quarantine-full':
      return { state: 'failed', reason: received.reason };
    case 'waiting':
      return { state: 'waiting', reason: received.reason };
    case 'awaiting-body':
      return { state: 'waiting', reason: 'for a transaction that another node brings' };
    case 'copying':
    case 'following':
    case 'subscribing':
    case undefined:
      return undefined;
  }
}

function progressOf(
  { subscription }: SubscriptionFacts,
  cursor: Cursor | undefined,
  lag: number | undefined,
): State {
  if (cursor?.copy) return { state: 'copying', copy: copyRate(cursor.copy) };
  if (!cursor) return { state: 'waiting', reason: 'for the first answer of the publisher' };
  if (hasLeftOut(cursor, () => leftOutBy(subscription)))
    return { state: 'catching-up', reason: 'what an earlier start time has left out is to be copied' };
  if (cursor.unproven?.hole)
    return {
      state: 'catching-up',
      reason: 'to be compared with the publisher: something is in quarantine',
    };
  if (cursor.unproven)
    return { state: 'catching-up', reason: 'comparing with the publisher what the copy has brought' };
  return lag === 0 ? { state: 'live' } : { state: 'catching-up' };
}
