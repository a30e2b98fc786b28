import { subscriptionStatus, type SubscriptionFacts } from '../../src/channel/subscription-status.ts';
import type { SubscriptionStatus } from '../../src/model/replication-control.ts';
import type { Replica } from './replica.ts';

/** What cluster_status of one replica says of its first channel with another, from whom it has just heard. */
export function statusOf(
  replica: Replica,
  peer: Replica,
  facts: Partial<SubscriptionFacts> = {},
): SubscriptionStatus {
  const [subscription] = replica.store.nodes.get(peer.name)?.subscriptions ?? [];
  if (!subscription) throw new Error(`${replica.name} has no subscription`);
  return subscriptionStatus({
    store: replica.store,
    peer: peer.name,
    subscription,
    peerStoreId: peer.store.identity.storeId,
    receiver: subscription.subscribe ? replica.receiver(peer) : undefined,
    hello: peer.hello(replica),
    heardAgoMs: 0,
    silence: undefined,
    stillMs: 0,
    ...facts,
  });
}
