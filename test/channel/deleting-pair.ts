import { expect } from 'vitest';
import type { Document, Key } from '../../src/model/change.ts';
import type { DeletePolicy } from '../../src/model/node.ts';
import { systemDatabase } from '../../src/model/table.ts';
import { documentsOf, makeTable } from '../store/test-store.ts';
import { openPair, type Pair } from './replica-pair.ts';
import type { Replica } from './replica.ts';

/** Two nodes; b takes the deletes of a as the policy says, and has an index that a has not. */
export async function openDeleting(policy: DeletePolicy): Promise<Pair> {
  const nodes = await openPair();
  await makeTable(nodes.b.store, 'dog', ['tag']);
  await decide(nodes.b, 'a', policy);
  return nodes;
}

export async function decide(replica: Replica, peer: string, onDelete: DeletePolicy): Promise<void> {
  await replica.store.nodes.update(
    peer,
    (row) => row && { ...row, subscriptions: row.subscriptions.map((one) => ({ ...one, onDelete })) },
  );
}

export function shown(replica: Replica): Map<Key, Document> {
  return new Map(documentsOf(replica.store).map((document) => [document['id'] as Key, document]));
}

export function tagged(replica: Replica, tag: string): Key[] {
  const where = {
    operator: 'and' as const,
    conditions: [{ attribute: 'tag', comparator: 'equals' as const, value: tag }],
  };
  return [...replica.store.search(replica.table, { where })].map(({ id }) => id as Key);
}

/** The index on `tag` has the entries of a scan, no others, and reads and counters agree with it. */
export async function expectIndexed(replica: Replica): Promise<void> {
  const { store, table } = replica;
  const scan = [...store.search(table, {})];
  const number = table.attributes.find(({ name }) => name === 'tag')?.number;
  const entries = scan
    .filter((document) => Object.hasOwn(document, 'tag'))
    .map((document) => `${JSON.stringify([table.id, number, document['tag'], document['id']])} = `);
  const { indexes } = await replica.dump();
  expect(indexes?.filter((line) => line.startsWith(`[${table.id},`))).toEqual(entries.toSorted());
  expect(store.statistics(table).records).toBe(scan.length);
  for (const document of scan) expect(store.get(table, document['id'] as Key)).toEqual(document);
}

export function archived(replica: Replica): Document[] {
  const table = replica.store.catalog.table(systemDatabase, 'hdb_archive');
  if (!table) throw new Error('There is no archive');
  return [...replica.store.search(table, {})];
}

/** What a comparison of b with a finds to differ. */
export async function differences({ a, b }: Pair): Promise<number | undefined> {
  const { verifier } = b.receiver(a);
  await b.verify(a);
  return verifier.last && verifier.last.repairedCount + verifier.last.onlyHere;
}

export const rex = { id: 'rex', tag: 'brown', text: 'a good dog' };
