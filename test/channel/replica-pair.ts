import { expect } from 'vitest';
import type { Document, Key } from '../../src/model/change.ts';
import { makeTable, tableOf } from '../store/test-store.ts';
import { both, connect, Replica, settle, type Agreement, type ReplicaOptions } from './replica.ts';

export interface Pair extends AsyncDisposable {
  readonly a: Replica;
  readonly b: Replica;
}

/** Two nodes that publish and subscribe the table dog to each other. */
export async function openPair(options: ReplicaOptions = {}, agreement: Agreement = both): Promise<Pair> {
  const a = await Replica.open('a', options);
  const b = await Replica.open('b', options);
  await makeTable(a.store);
  await connect(a, b, agreement);
  return pairOf(a, b);
}

/** The tables of {@link openTables}. */
export const twoTables = ['dog', 'cat'] as const;

/** Two nodes that follow each other's tables dog and cat, which are empty. */
export async function openTables(options: ReplicaOptions = {}): Promise<Pair> {
  const a = await Replica.open('a', options);
  const b = await Replica.open('b', options);
  for (const name of twoTables) await makeTable(a.store, name);
  await connect(a, b, both, twoTables);
  for (const name of twoTables) {
    await b.follow(a, name);
    await a.follow(b, name);
  }
  return pairOf(a, b);
}

/** One transaction that puts a record into each of the two tables. */
export async function transact({ store }: Replica, id: Key): Promise<void> {
  await store.transact(
    twoTables.map((name) => ({
      table: tableOf(store, name),
      operation: 'upsert' as const,
      documents: [{ id }],
    })),
    undefined,
  );
}

function pairOf(a: Replica, b: Replica): Pair {
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

export interface Mesh extends Pair {
  readonly c: Replica;
}

/** A pair, and a third node that exchanges everything with both. */
export async function openMesh(options: ReplicaOptions = {}): Promise<Mesh> {
  const mesh = await connectMesh(options);
  await settle(mesh.a, mesh.b, mesh.c);
  return mesh;
}

/** The same, and nothing has gone from one to the other yet; the agreement is that of the pair. */
export async function connectMesh(options: ReplicaOptions = {}, agreement: Agreement = both): Promise<Mesh> {
  const pair = await openPair(options, agreement);
  const c = await Replica.open('c', options);
  await connect(pair.a, c);
  await connect(pair.b, c);
  return {
    ...pair,
    c,
    async [Symbol.asyncDispose]() {
      await c[Symbol.asyncDispose]();
      await pair[Symbol.asyncDispose]();
    },
  };
}

/**
 * Forty new records of the publisher come by a copy that its log overtakes, and a comparison proves that they are all
 * there. Pages hold about ten of them, with `maxBatchBytes` of 1,000.
 */
export async function proveOvertaken(subscriber: Replica, publisher: Replica): Promise<void> {
  await publisher.upsert(...records(40, 'x'.repeat(100)));
  await subscriber.step(publisher);
  await subscriber.step(publisher);
  await publisher.upsert({ id: 0, text: 'later' });
  await publisher.store.purgeChannel(publisher.table, {});
  await subscriber.follow(publisher);
  expect(subscriber.cursor(publisher)?.unproven).toMatchObject({ overtaken: expect.any(Array) });
  await subscriber.compare(publisher);
  expect(subscriber.cursor(publisher)?.unproven).toBeUndefined();
}

/** So many records of about the length of the text. */
export function records(count: number, text = ''): Document[] {
  return Array.from({ length: count }, (_, id) => ({ id, text }));
}
