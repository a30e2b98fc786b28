import type { Document } from '../../src/model/change.ts';
import { makeTable } from '../store/test-store.ts';
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

/** So many records of about the length of the text. */
export function records(count: number, text = ''): Document[] {
  return Array.from({ length: count }, (_, id) => ({ id, text }));
}
