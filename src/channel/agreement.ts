import { createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { SharedSubscription } from '../model/subscription.ts';

const derive = promisify(pbkdf2);

/** The secret that all nodes of a cluster share, from the cluster user: signs what they agree on. */
export async function agreementKey(user: string, password: string): Promise<Buffer> {
  return derive(password.normalize('NFKC'), `lyredb agreement ${user}`, 20_000, 32, 'sha256');
}

const maxRemembered = 10_000;

/**
 * Proofs that a node which knows the cluster user told a subscription to another node.
 *
 * A peer's nkey alone lets it use what was agreed, not change it. What was proven once is remembered: greetings say
 * the same again every two seconds.
 */
export class Proofs {
  readonly #key: Buffer;
  readonly #remembered = new Map<string, string>();

  /** @param key see {@link agreementKey} */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** The proof that node `from` told node `to` this subscription. */
  prove(from: string, to: string, subscription: SharedSubscription): string {
    const text = toProve(from, to, subscription);
    const proof = this.#proofOf(text);
    this.#remember(text, proof);
    return proof;
  }

  /** In constant time. Of what is not proven nothing is remembered: whoever has a key may say it without end. */
  isProven(from: string, to: string, subscription: SharedSubscription & { readonly proof: string }): boolean {
    const text = toProve(from, to, subscription);
    const proof = this.#proofOf(text);
    const expected = Buffer.from(proof);
    const given = Buffer.from(subscription.proof);
    const isProven = expected.length === given.length && timingSafeEqual(expected, given);
    if (isProven) this.#remember(text, proof);
    return isProven;
  }

  #proofOf(text: string): string {
    return this.#remembered.get(text) ?? createHmac('sha256', this.#key).update(text).digest('base64');
  }

  #remember(text: string, proof: string): void {
    if (this.#remembered.has(text)) return;
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(text, proof);
  }
}

function toProve(from: string, to: string, subscription: SharedSubscription): string {
  const { database, table, publish, subscribe, startTimeMs, priority, version } = subscription;
  const told = [from, to, database, table, publish, subscribe, startTimeMs ?? null, version];
  // Named, and only when it is said: the proof of an agreement without it stays what it was.
  if (priority !== undefined) told.push(JSON.stringify({ priority }));
  return JSON.stringify(told);
}
