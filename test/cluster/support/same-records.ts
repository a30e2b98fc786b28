import { expect } from 'vitest';
import type { ClusterNode } from './cluster-node.ts';
import { recordBytes, type Fields } from './record-bytes.ts';
import type { Place } from './tables.ts';

/** Exact ids and bytes of the records under the numbers below `total`, `chunk` of them at a time: for tables too large to be held. */
export async function expectSameRecords(
  one: ClusterNode,
  other: ClusterNode,
  place: Place,
  total: number,
  chunk = 50_000,
): Promise<void> {
  for (let first = 0; first < total; first += chunk) {
    const count = Math.min(chunk, total - first);
    const [left = [], right = []] = await Promise.all(
      [one, other].map((node) => recordsFrom(node, place, first, count)),
    );
    expect([left.length, right.length]).toEqual([count, count]);
    const unlike = left.findIndex((text, index) => text !== right[index]);
    expect(unlike === -1 ? [] : [left[unlike], right[unlike]]).toEqual([]);
  }
}

async function recordsFrom(
  node: ClusterNode,
  [schema, table]: Place,
  first: number,
  count: number,
): Promise<readonly string[]> {
  const found = (await node.must({
    operation: 'search_by_conditions',
    schema,
    table,
    operator: 'and',
    conditions: [
      { search_attribute: 'id', search_type: 'between', search_value: [first, first + count - 1] },
    ],
    get_attributes: ['*'],
  })) as readonly Fields[];
  return found.map(recordBytes);
}
