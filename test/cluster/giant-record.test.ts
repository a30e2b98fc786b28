import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ClusterNode } from './support/cluster-node.ts';
import { Pair } from './support/pair.ts';
import { unexpectedIn } from './support/logs.ts';
import { waitFor } from './support/wait-for.ts';

const place = { schema: 'default', table: 'shared' } as const;
const mebibyte = 1 << 20;

/** More than a message of nats-server may have, 8 MiB; and some of which several fit, and do not fit, into one. */
const sizes = {
  small: 100,
  large: mebibyte,
  larger: 7 * mebibyte,
  larger_too: 7 * mebibyte,
  giant: 20 * mebibyte,
};

const written = (id: string, size: number): string =>
  `${id} `.repeat(size / (id.length + 1)).padEnd(size, '.');
const hashOf = (text: unknown): string => createHash('sha256').update(String(text)).digest('hex');

test.each(['host', 'edge'] as const)(
  'records of 20 MiB come whole, by a copy and when they are written, where the %s has them',
  { timeout: 120_000 },
  async (from) => {
    await using pair = await Pair.start();
    const to = from === 'host' ? 'edge' : 'host';
    await pair[from].must({ operation: 'create_table', ...place, hash_attribute: 'id' });
    const put = async (id: string, size: number): Promise<unknown> =>
      pair[from].must({ operation: 'upsert', ...place, records: [{ id, text: written(id, size) }] });
    for (const [id, size] of Object.entries(sizes)) await put(id, size);

    await pair.connect([{ channel: 'default:shared', publish: true, subscribe: true }]);

    await waitFor('the copy', async () => holds(pair[to], Object.entries(sizes)), { limitMs: 60_000 });
    await put('late', sizes.giant);
    await waitFor('what is written late', async () => holds(pair[to], [['late', sizes.giant]]), {
      limitMs: 20_000,
    });
    const { nodes } = (await pair[to].must({ operation: 'verify_replication', ...place })) as {
      readonly nodes: readonly unknown[];
    };
    expect(nodes).toMatchObject([{ node: from, outcome: 'identical' }]);
    expect([pair.host, pair.edge].flatMap(unexpectedIn)).toEqual([]);
  },
);

/** Whether the node holds exactly the text that was written, for each of these. */
async function holds(node: ClusterNode, records: readonly (readonly [string, number])[]): Promise<boolean> {
  const found = (await node.must({
    operation: 'search_by_hash',
    ...place,
    hash_values: records.map(([id]) => id),
    get_attributes: ['id', 'text'],
  })) as readonly { readonly id: string; readonly text: string }[];
  if (found.length < records.length)
    throw new Error(`there are only ${found.map(({ id }) => id).join(', ')}`);
  expect(found.map(({ id, text }) => [id, hashOf(text)])).toEqual(
    records.map(([id, size]) => [id, hashOf(written(id, size))]),
  );
  return true;
}
