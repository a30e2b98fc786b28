import type { ClusterNode } from './cluster-node.ts';

/** A table whose primary key is `id`. */
export async function makeTable(
  node: ClusterNode,
  [schema, table]: readonly [string, string],
): Promise<void> {
  await node.must({ operation: 'create_table', schema, table, hash_attribute: 'id' });
}

/** One record with nothing but its id. */
export async function insert(
  node: ClusterNode,
  [schema, table]: readonly [string, string],
  id: string,
): Promise<void> {
  await node.must({ operation: 'insert', schema, table, records: [{ id }] });
}

/** The ids of a table as sorted text; none when there is no such table. */
export async function idsOf(node: ClusterNode, one: readonly [string, string]): Promise<readonly unknown[]> {
  return (await node.hasTable(...one)) ? [...(await node.rows(...one)).keys()].map(String).toSorted() : [];
}
