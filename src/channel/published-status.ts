import { channelName } from '../model/channel-name.ts';
import type { Subscription } from '../model/node.ts';
import type { SubscriptionStatus } from '../model/replication-control.ts';
import type { Table } from '../model/table.ts';
import type { Confirmation } from '../store/confirmed.ts';
import type { Store } from '../store/store.ts';
import type { Hello } from './hello.ts';
import { toldPlace } from './told-place.ts';

export interface PublishedFacts {
  readonly store: Store;
  readonly peer: string;
  readonly subscription: Subscription;
  readonly peerStoreId: string | undefined;
  readonly hello: Hello | undefined;
}

type State = Pick<SubscriptionStatus, 'state' | 'reason' | 'copy'>;

/** What is still to reach the subscriber of a channel that we publish. */
export function unconfirmedOf(facts: PublishedFacts): Pick<SubscriptionStatus, 'unconfirmed' | 'endurance'> {
  const { store, subscription } = facts;
  const table = tableOf(facts);
  if (!subscription.publish || !table) return {};
  const { headSeq } = store.log.head(table.id);
  const confirmed = confirmationOf(facts, table);
  if (!confirmed) return { unconfirmed: headSeq };
  const endurance = store.endurance.of(table.id, confirmed.seq);
  if (!confirmed.isCopying) return { unconfirmed: endurance.waiting.transactions, endurance };
  // The log has to last from where the copy began; until it is complete the subscriber holds nothing for certain.
  const waiting = { transactions: headSeq, bytes: undefined };
  return { unconfirmed: headSeq, endurance: { ...endurance, waiting } };
}

/** Of a channel that is published and not taken: what the subscriber makes of it. */
export function publishedState(facts: PublishedFacts): State {
  const { hello, peer, subscription } = facts;
  const { database, table: name } = subscription;
  const table = tableOf(facts);
  if (!table) return { state: 'waiting', reason: `there is no table ${database}.${name} here` };
  const reason = failureThere(facts);
  if (reason !== undefined) return { state: 'failed', reason };
  const copy = hello?.copying?.[channelName(database, name)];
  if (copy) return { state: 'copying', copy };
  if (!confirmationOf(facts, table))
    return { state: 'waiting', reason: `${peer} has not confirmed anything of it yet` };
  return { state: unconfirmedOf(facts).unconfirmed === 0 ? 'idle' : 'catching-up' };
}

/** Why the subscriber cannot take what we publish. */
export function failureThere({ hello, peer, subscription }: PublishedFacts): string | undefined {
  const { publish, database, table } = subscription;
  const reason = publish ? hello?.failed?.[channelName(database, table)] : undefined;
  return reason === undefined ? undefined : `at ${peer}: ${reason}`;
}

/** By what the peer said last: in this process, or as it is kept while the peer is away. */
function confirmationOf(
  { store, peer, subscription, peerStoreId, hello }: PublishedFacts,
  table: Table,
): Pick<Confirmation, 'seq' | 'isCopying'> | undefined {
  if (hello) {
    const channel = channelName(subscription.database, subscription.table);
    const told = toldPlace(store, table, hello.cursors[channel]);
    return told && { seq: told.seq, isCopying: hello.copying?.[channel] !== undefined };
  }
  const kept = store.confirmed.get(peer, table.id);
  // A device that was replaced has confirmed nothing of what the present one holds.
  return kept?.storeId === undefined || kept.storeId === peerStoreId ? kept : undefined;
}

function tableOf({ store, subscription }: PublishedFacts): Table | undefined {
  return store.catalog.table(subscription.database, subscription.table);
}
