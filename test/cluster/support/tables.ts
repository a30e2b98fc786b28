import type { ClusterNode } from './cluster-node.ts';
import type { Fields } from './record-bytes.ts';

/** A table of a node. */
export type Place = readonly [database: string, table: string];

/** The one table of most tests. */
export const shared: Place = ['default', 'shared'];

export async function makeTable(node: ClusterNode, [schema, table]: Place, key = 'id'): Promise<void> {
  await node.must({ operation: 'create_table', schema, table, hash_attribute: key });
}

/** One record with nothing but its id. */
export async function insert(node: ClusterNode, [schema, table]: Place, id: string | number): Promise<void> {
  await node.must({ operation: 'insert', schema, table, records: [{ id }] });
}

/** The ids of a table as sorted text; none when there is no such table. */
export async function idsOf(node: ClusterNode, place: Place): Promise<readonly unknown[]> {
  return (await node.hasTable(...place))
    ? [...(await node.rows(...place)).keys()].map(String).toSorted()
    : [];
}

/** What a node keeps of its peers. */
export async function peerRowsOf(node: ClusterNode): Promise<readonly Fields[]> {
  const rows = await node.must({
    operation: 'search_by_value',
    schema: 'system',
    table: 'hdb_nodes',
    search_attribute: 'name',
    search_value: '*',
    get_attributes: ['*'],
  });
  return rows as readonly Fields[];
}
