import { maintain } from '../store/test-store.ts';
import { greet, settle, type Agreement, type Replica } from './replica.ts';

export const dayMs = 86_400_000;
export const onlyPublish: Agreement = { publish: true, subscribe: false };

/** So long that log and tombstones are gone everywhere, whatever anybody has confirmed. */
export async function yearsPass(...replicas: readonly Replica[]): Promise<void> {
  for (const replica of replicas) {
    replica.pass(400 * dayMs);
    await maintain(replica.store);
  }
}

export function separate(...pairs: readonly (readonly [Replica, Replica])[]): void {
  for (const [one, other] of pairs) {
    one.cut.add(other.name);
    other.cut.add(one.name);
  }
}

export async function reunite(...pairs: readonly (readonly [Replica, Replica])[]): Promise<void> {
  for (const [one, other] of pairs) {
    one.cut.delete(other.name);
    other.cut.delete(one.name);
    await greet(one, other);
  }
}

export function tombstonesOf({ store, table }: Replica): number {
  return store.statistics(table).tombstones;
}

/** Two records of b are at both; the first is deleted and forgotten at a, and b, which is cut off, does not know. */
export async function forgetDelete(a: Replica, b: Replica): Promise<void> {
  await settle(a, b);
  await b.upsert({ id: 1 }, { id: 2 });
  await settle(a, b);
  separate([a, b]);
  await a.delete(1);
  await yearsPass(a, b);
}
