import { createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { SharedSubscription } from '../model/subscription.ts';

const derive = promisify(pbkdf2);

/** The secret that all nodes of a cluster share, from the cluster user: signs what they agree on. */
export async function agreementKey(user: string, password: string): Promise<Buffer> {
  return derive(password.normalize('NFKC'), `lyredb agreement ${user}`, 20_000, 32, 'sha256');
}

/**
 * Proof that a node which knows the cluster user told this subscription to that node.
 *
 * A peer's nkey alone lets it use what was agreed, not change it.
 */
export function proveSubscription(
  key: Buffer,
  from: string,
  to: string,
  subscription: SharedSubscription,
): string {
  const { database, table, publish, subscribe, startTimeMs, priority, version } = subscription;
  const told = [from, to, database, table, publish, subscribe, startTimeMs ?? null, version];
  // Named, and only when it is said: the proof of an agreement without it stays what it was.
  if (priority !== undefined) told.push(JSON.stringify({ priority }));
  return createHmac('sha256', key).update(JSON.stringify(told)).digest('base64');
}

export function isProven(
  key: Buffer,
  from: string,
  to: string,
  subscription: SharedSubscription & { readonly proof: string },
): boolean {
  const expected = Buffer.from(proveSubscription(key, from, to, subscription));
  const given = Buffer.from(subscription.proof);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
